// Result<T>: a value, or why there is none.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "ratls/base/error.h"

namespace ratls {

template <typename T>
using Result = std::expected<T, Error>;

using Status = Result<void>;

/// Makes the failure of a Result: `return fail(Code::malformed, "snapshot", "no files")`.
[[nodiscard]] inline std::unexpected<Error> fail(Code code, std::string where, std::string what) {
    return std::unexpected(Error{code, std::move(where), std::move(what)});
}

}  // namespace ratls

#define RATLS_CONCAT_(a, b) a##b
#define RATLS_CONCAT(a, b) RATLS_CONCAT_(a, b)

/// `RATLS_TRY(Quote quote, parse_quote(bytes));` declares quote, or hands the error upwards.
#define RATLS_TRY(declaration, expression) \
    RATLS_TRY_(RATLS_CONCAT(ratls_try_, __LINE__), declaration, expression)
#define RATLS_TRY_(temporary, declaration, expression)        \
    auto temporary = (expression);                            \
    if (!temporary) {                                         \
        return std::unexpected(std::move(temporary).error()); \
    }                                                         \
    declaration = *std::move(temporary)

/// For a Status: hands the error upwards.
#define RATLS_CHECK(expression)                                  \
    if (auto ratls_status = (expression); !ratls_status) {       \
        return std::unexpected(std::move(ratls_status).error()); \
    }                                                            \
    static_assert(true, "a semicolon follows")
