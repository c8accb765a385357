// HTTP/1.1 messages as plain data. What reads them stands in parser.h, what writes them in
// writer.h.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratls/base/byte_stream.h"
#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls::http {

/// The methods that we know. Source: RFC 9110, section 9.3.
enum class Method : std::uint8_t { get, head, post, put, del };

std::string_view method_name(Method method);

struct Header {
    std::string name;  ///< lower case
    std::string value;
};

struct Parameter {
    std::string name;
    std::string value;
};

struct Request {
    Method method = Method::get;
    std::string target = "/";      ///< origin-form, as it is sent: "/a%20b?from=3"
    std::string path;              ///< of a parsed request: decoded, without the query
    std::vector<Parameter> query;  ///< of a parsed request: decoded, each name once
    std::vector<Header> headers;
    Bytes body;
    bool keep_alive = true;  ///< false: "Connection: close"

    /// The value of the first header of this name (lower case); null if there is none.
    const std::string* header(std::string_view name) const;
    const std::string* parameter(std::string_view name) const;
};

struct Response {
    int status = 200;
    std::vector<Header> headers;  ///< without Content-Length and Connection, which the writer adds
    Bytes body;
    /// What a server sends instead of `body`, and never holds as a whole. Of a response that was
    /// read: none.
    std::optional<ByteStream> stream = {};
    bool keep_alive = true;
    /// Why a server could not do better: for its own log, never sent.
    std::string cause = {};

    const std::string* header(std::string_view name) const;
};

/// "Not Found" for 404; empty if we have no words for the status.
std::string_view reason_phrase(int status);

/// {"error": text}, as application/json. The text is the cause, too.
Response error_response(int status, std::string_view text);

/// A body with its media type.
Response make_response(int status, std::string_view content_type, Bytes body);
Response make_response(std::string_view content_type, ByteStream stream);  ///< status 200

/// The parameter as a decimal number without sign or leading zeros, at most 2^63-1; `otherwise` if
/// it is absent: `?from=17`.
Result<std::uint64_t> query_unsigned(const Request& request, std::string_view name,
                                     std::uint64_t otherwise);

/// Fails if the query has a parameter that is not among these.
Status only_parameters(const Request& request, std::initializer_list<std::string_view> names);

}  // namespace ratls::http
