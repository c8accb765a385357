#include "ratls/base/glob.h"

#include <vector>

namespace ratls {

bool glob_match(std::string_view pattern, std::string_view path) {
    // reached[i]: the pattern so far can stand for the first i bytes of the path.
    std::vector<bool> reached(path.size() + 1, false);
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

}  // namespace ratls
