// HTTP over one TLS connection.
#pragma once

#include "ratls/http/message.h"
#include "ratls/tls/connection.h"

namespace ratls {

/// Sends one request and reads its response; more may follow on the same connection while
/// `keep_alive` of the response is true. The caller sets Host. A server that sends more than it was
/// asked for is refused.
Result<http::Response> exchange(TlsConnection& connection, const http::Request& request,
                                std::size_t max_body, Deadline deadline);

}  // namespace ratls
