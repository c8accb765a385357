// Writes the heads of HTTP/1.1 messages; the body follows as it is.
#pragma once

#include <string>
#include <string_view>

#include "ratls/http/message.h"

namespace ratls::http {

/// Request line, headers, Content-Length, Connection. The caller sets Host. Fails if a target,
/// name or value could end its line, or a header is one of those that are written here.
Result<std::string> write_head(const Request& request);

/// Status line, headers, Content-Length of the body or stream, Connection.
Result<std::string> write_head(const Response& response);

}  // namespace ratls::http
