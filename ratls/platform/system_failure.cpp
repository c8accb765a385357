#include "ratls/platform/system_failure.h"

#include <cerrno>
#include <system_error>

namespace ratls {

Code code_of_errno(int error) {
    switch (error) {
        case ENOTTY:
        case EOPNOTSUPP:
            return Code::unsupported;
        case EACCES:
        case EPERM:
        case EROFS:
            return Code::denied;
        case ENOENT:
        case ENOTDIR:
        case ENXIO:
        case ENODEV:
        case EAGAIN:
        case EBUSY:
        case ETIMEDOUT:
        case EAFNOSUPPORT:
        case EADDRNOTAVAIL:
        case ECONNREFUSED:
        case ECONNRESET:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case EPIPE:
            return Code::unavailable;
        default:
            return Code::io;
    }
}

std::unexpected<Error> system_failure(std::string where, int error) {
    return fail(code_of_errno(error), std::move(where), std::generic_category().message(error));
}

}  // namespace ratls
