#include "ratls/http/message.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "ratls/base/text.h"
#include "ratls/codec/json.h"

namespace ratls::http {
namespace {

template <typename Item>
const std::string* find_value(const std::vector<Item>& items, std::string_view name) {
    const auto found = std::ranges::find(items, name, &Item::name);
    return found == items.end() ? nullptr : &found->value;
}

}  // namespace

std::string_view method_name(Method method) {
    switch (method) {
        case Method::get:
            return "GET";
        case Method::head:
            return "HEAD";
        case Method::post:
            return "POST";
        case Method::put:
            return "PUT";
        case Method::del:
            return "DELETE";
    }
    return "";
}

const std::string* Request::header(std::string_view name) const {
    return find_value(headers, name);
}

const std::string* Request::parameter(std::string_view name) const {
    return find_value(query, name);
}

const std::string* Response::header(std::string_view name) const {
    return find_value(headers, name);
}

std::string_view reason_phrase(int status) {
    switch (status) {
        case 100:
            return "Continue";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 411:
            return "Length Required";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 422:
            return "Unprocessable Content";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "";
    }
}

Response make_response(int status, std::string_view content_type, Bytes body) {
    Response out;
    out.status = status;
    out.headers = {{"content-type", std::string(content_type)}};
    out.body = std::move(body);
    return out;
}

Response make_response(std::string_view content_type, ByteStream stream) {
    Response out = make_response(200, content_type, {});
    out.stream = std::move(stream);
    return out;
}

Response error_response(int status, std::string_view text) {
    Json body;
    body.set("error", text);
    Response out = make_response(status, "application/json", to_bytes(as_bytes(body.pretty())));
    out.cause = text;
    return out;
}

Result<std::uint64_t> query_unsigned(const Request& request, std::string_view name,
                                     std::uint64_t otherwise) {
    const std::string* text = request.parameter(name);
    if (text == nullptr) {
        return otherwise;
    }
    std::uint64_t value = 0;
    const char* end = text->data() + text->size();
    const auto [at, error] = std::from_chars(text->data(), end, value);
    const bool padded = text->size() > 1 && text->front() == '0';
    if (error != std::errc() || at != end || padded ||
        value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return fail(Code::malformed, "query: " + std::string(name),
                    "a decimal number below 2^63 wanted, " + quoted(*text) + " found");
    }
    return value;
}

Status only_parameters(const Request& request, std::initializer_list<std::string_view> names) {
    for (const Parameter& parameter : request.query) {
        if (std::ranges::find(names, parameter.name) == names.end()) {
            return fail(Code::malformed, "query", "unknown parameter " + quoted(parameter.name));
        }
    }
    return {};
}

}  // namespace ratls::http
