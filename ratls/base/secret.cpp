#include "ratls/base/secret.h"

#include <cstring>

namespace ratls {

void secure_wipe(void* data, std::size_t size) {
    if (size != 0) {
        explicit_bzero(data, size);
    }
}

}  // namespace ratls
