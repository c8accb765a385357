#include "ratls/http/writer.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/http/syntax.h"

namespace ratls::http {
namespace {

Status append_headers(std::string& out, const std::vector<Header>& headers) {
    for (const Header& header : headers) {
        const std::string name = lower(header.name);
        if (!is_token(name) || !is_field_text(header.value)) {
            return fail(Code::usage, "http.write", "no header: " + quoted(header.name));
        }
        if (name == "content-length" || name == "transfer-encoding" || name == "connection") {
            return fail(Code::usage, "http.write", name + " is not the caller's to set");
        }
        out += header.name + ": " + header.value + "\r\n";
    }
    return {};
}

std::string framing(std::uint64_t body_size, bool with_length, bool keep_alive) {
    return (with_length ? "content-length: " + std::to_string(body_size) + "\r\n" : "") +
           (keep_alive ? "" : "connection: close\r\n") + "\r\n";
}

}  // namespace

Result<std::string> write_head(const Request& request) {
    const bool printable =
        std::ranges::all_of(request.target, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
    if (!request.target.starts_with('/') || !printable) {
        return fail(Code::usage, "http.write", "no target: " + quoted(request.target));
    }
    std::string out(method_name(request.method));
    out += " " + request.target + " HTTP/1.1\r\n";
    RATLS_CHECK(append_headers(out, request.headers));
    const bool has_body =
        request.method == Method::post || request.method == Method::put || !request.body.empty();
    return out + framing(request.body.size(), has_body, request.keep_alive);
}

Result<std::string> write_head(const Response& response) {
    if (response.status < 200 || response.status > 599) {
        return fail(Code::usage, "http.write", "no status: " + std::to_string(response.status));
    }
    std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " +
                      std::string(reason_phrase(response.status)) + "\r\n";
    RATLS_CHECK(append_headers(out, response.headers));
    const bool has_length = response.status != 204 && response.status != 304;
    const std::uint64_t size = response.stream ? response.stream->size : response.body.size();
    return out + framing(size, has_length, response.keep_alive);
}

}  // namespace ratls::http
