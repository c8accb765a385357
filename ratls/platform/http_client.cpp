#include "ratls/platform/http_client.h"

#include "ratls/base/text.h"

namespace ratls {
namespace {

constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";  // RFC 9110, section 5.6.2

bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               kTokenMarks.find(c) != std::string_view::npos;
    });
}

bool printable(std::string_view text, char from) {
    return std::ranges::all_of(text, [from](char c) { return c >= from && c <= '~'; });
}

}  // namespace

const std::string* FetchResponse::header(std::string_view name) const {
    const auto found = std::ranges::find(headers, name, &http::Header::name);
    return found == headers.end() ? nullptr : &found->value;
}

Status check_request(const FetchRequest& request) {
    if (request.method != "GET" && request.method != "HEAD" && request.method != "POST") {
        return fail(Code::usage, "http", "GET, HEAD or POST wanted, " + quoted(request.method));
    }
    if (request.method != "POST" && !request.body.empty()) {
        return fail(Code::usage, "http", "a body with " + request.method);
    }
    if (!request.url.starts_with("https://") && !request.url.starts_with("http://")) {
        return fail(Code::usage, "http", "https or http wanted, " + quoted(request.url));
    }
    if (!printable(request.url, '!')) {
        return fail(Code::usage, "http", "no URL: " + quoted(request.url));
    }
    for (const http::Header& header : request.headers) {
        if (!is_token(header.name) || !printable(header.value, ' ')) {
            return fail(Code::usage, "http", "no header: " + quoted(header.name));
        }
    }
    return {};
}

}  // namespace ratls
