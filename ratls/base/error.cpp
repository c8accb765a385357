#include "ratls/base/error.h"

#include <utility>

#include "ratls/base/text.h"

namespace ratls {

std::string_view code_name(Code code) {
    switch (code) {
        case Code::usage:
            return "usage";
        case Code::malformed:
            return "malformed";
        case Code::too_large:
            return "too_large";
        case Code::unsupported:
            return "unsupported";
        case Code::untrusted:
            return "untrusted";
        case Code::stale:
            return "stale";
        case Code::mismatch:
            return "mismatch";
        case Code::denied:
            return "denied";
        case Code::unavailable:
            return "unavailable";
        case Code::io:
            return "io";
        case Code::internal:
            return "internal";
    }
    return "internal";
}

Error Error::in(std::string_view place) && {
    where = where.empty() ? std::string(place) : std::string(place) + ": " + where;
    return std::move(*this);
}

std::string Error::text() const {
    return printable(where.empty() ? what : where + ": " + what);
}

int exit_code(Code code) {
    switch (code) {
        case Code::usage:
            return 1;
        case Code::malformed:
        case Code::too_large:
        case Code::unsupported:
        case Code::untrusted:
        case Code::stale:
        case Code::mismatch:
            return 2;
        case Code::denied:
            return 3;
        case Code::unavailable:
        case Code::io:
            return 4;
        case Code::internal:
            return 5;
    }
    return 5;
}

}  // namespace ratls
