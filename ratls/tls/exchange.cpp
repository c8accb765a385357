#include "ratls/tls/exchange.h"

#include "ratls/http/parser.h"
#include "ratls/http/writer.h"

namespace ratls {

Result<http::Response> exchange(TlsConnection& connection, const http::Request& request,
                                std::size_t max_body, Deadline deadline) {
    RATLS_TRY(const std::string head, http::write_head(request));
    RATLS_CHECK(connection.write(as_bytes(head), deadline));
    RATLS_CHECK(connection.write(request.body, deadline));
    http::ResponseParser parser(request.method, max_body);
    std::array<std::uint8_t, 16384> buffer{};  // one record
    while (!parser.complete()) {
        RATLS_TRY(const std::size_t got, connection.read(buffer, deadline));
        if (got == 0) {
            RATLS_CHECK(parser.finish());
            break;
        }
        RATLS_TRY(const std::size_t used, parser.feed(ByteView(buffer).first(got)));
        if (used != got) {
            return fail(Code::malformed, "http.response", "bytes after the end of the message");
        }
    }
    return parser.take();
}

}  // namespace ratls
