// What went wrong outside, for programs (code) and for people (where, what).
#pragma once

#include <string>
#include <string_view>

namespace ratls {

/// Classes of failure, so that a caller can act. Only ever added to.
enum class Code {
    usage,        ///< the caller asked for something that makes no sense
    malformed,    ///< the bytes do not have the form that their format demands
    too_large,    ///< a length or count is beyond its documented limit
    unsupported,  ///< a version, algorithm or kind that we do not know
    untrusted,    ///< a signature or chain does not hold
    stale,        ///< expired or not yet valid
    mismatch,     ///< two things that must agree do not
    denied,       ///< sound, but policy or permissions say no
    unavailable,  ///< something needed was not given or is out of reach
    io,           ///< the operating system or a device failed
    internal,     ///< a fault of ours
};

std::string_view code_name(Code code);

struct Error {
    Code code = Code::internal;
    std::string where;  ///< from the outermost place to the innermost, joined by ": "
    std::string what;   ///< what was wanted and what was found; no capital, no full stop, no secret

    /// The same error, seen from one layer further out.
    [[nodiscard]] Error in(std::string_view place) &&;
    [[nodiscard]] std::string text() const;
};

/// The process exit code for a failure of this class (documented in every man page): 1 usage,
/// 2 not valid, 3 refused, 4 out of reach, 5 a fault of ours.
int exit_code(Code code);

}  // namespace ratls
