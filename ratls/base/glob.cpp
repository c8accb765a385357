#include "ratls/base/glob.h"

#include <algorithm>
#include <array>

namespace ratls {

bool glob_match(std::string_view pattern, std::string_view path) {
    if (path.size() > kMaxGlobPath) {
        return false;
    }
    // Most patterns begin with a folder's name, and most paths are not in it.
    const std::size_t plain = std::min(pattern.find_first_of("*?\\"), pattern.size());
    if (!path.starts_with(pattern.substr(0, plain))) {
        return false;
    }
    pattern.remove_prefix(plain);
    path.remove_prefix(plain);
    // reached[i]: the pattern so far can stand for the first i bytes of the path.
    std::array<bool, kMaxGlobPath + 1> reached;
    std::fill_n(reached.begin(), path.size() + 1, false);
    reached[0] = true;
    for (std::size_t p = 0; p < pattern.size(); ++p) {
        const char c = pattern[p];
        if (c == '*') {
            const bool any = p + 1 < pattern.size() && pattern[p + 1] == '*';
            p += any ? 1 : 0;
            for (std::size_t i = 0; i < path.size(); ++i) {
                reached[i + 1] = reached[i + 1] || (reached[i] && (any || path[i] != '/'));
            }
            continue;
        }
        const bool escaped = c == '\\' && p + 1 < pattern.size();
        p += escaped ? 1 : 0;
        for (std::size_t i = path.size(); i > 0; --i) {
            const char byte = path[i - 1];
            const bool fits = c == '?' ? byte != '/' : byte == pattern[p];
            reached[i] = reached[i - 1] && fits;
        }
        reached[0] = false;
    }
    return reached[path.size()];
}

bool is_anchored_glob(std::string_view pattern) {
    return pattern.starts_with("/") || pattern.starts_with("**/");
}

}  // namespace ratls
