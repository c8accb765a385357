#include "ratls/crypto/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace ratls {

void random_bytes(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        const ssize_t got = getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno != EINTR) {
            std::abort();
        }
        out = out.subspan(got > 0 ? static_cast<std::size_t>(got) : 0);
    }
}

}  // namespace ratls
