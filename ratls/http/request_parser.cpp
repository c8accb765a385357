#include <algorithm>
#include <array>
#include <utility>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/http/parser.h"
#include "ratls/http/syntax.h"

namespace ratls::http {
namespace {

constexpr std::string_view kWhere = "http.request";
constexpr std::size_t kMaxParameters = 16;

/// The failure and the status that tells the client about it.
struct Refusal {
    Error error;
    int status = 400;
};

std::unexpected<Refusal> refusal(int status, Code code, std::string_view field, std::string what) {
    std::string where(kWhere);
    if (!field.empty()) {
        where += ": " + std::string(field);
    }
    return std::unexpected(Refusal{{code, std::move(where), std::move(what)}, status});
}

template <typename T>
using Parsed = std::expected<T, Refusal>;

/// `pchar`, "/" and "?". Source: RFC 3986, section 3.3 and appendix A.
bool is_target_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~!$&'()*+,;=:@%/?").find(c) != std::string_view::npos;
}

bool is_host_char(char c) {
    return is_target_char(c) && c != '/' && c != '?' && c != '@';
}

/// Decodes %XX. Control characters, NUL among them, and bytes that are not UTF-8 are refused.
Parsed<std::string> decode_target(std::string_view text) {
    const auto decoded = percent_decode(text);
    if (!decoded) {
        return refusal(400, Code::malformed, "target",
                       decoded.error().what + " in " + quoted(text));
    }
    const std::string& out = *decoded;
    if (!is_utf8(out) || std::ranges::any_of(out, [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return byte < 0x20 || byte == 0x7f;
        })) {
        return refusal(400, Code::malformed, "target",
                       "UTF-8 without control characters wanted, " + quoted(out) + " found");
    }
    return out;
}

Parsed<std::string> decode_path(std::string_view path) {
    std::string out;
    for (const std::string_view segment : split(path.substr(1), '/')) {
        auto decoded = decode_target(segment);
        if (!decoded) {
            return decoded;
        }
        if (*decoded == "." || *decoded == ".." ||
            decoded->find_first_of("/\\") != std::string::npos) {
            return refusal(400, Code::malformed, "target",
                           "a dot segment or an encoded slash in " + quoted(path));
        }
        out += '/' + *decoded;
    }
    return out;
}

Parsed<std::vector<Parameter>> decode_query(std::string_view query) {
    std::vector<Parameter> out;
    for (const std::string_view part : split(query, '&')) {
        const std::size_t equals = part.find('=');
        auto name = decode_target(part.substr(0, equals));
        auto value = decode_target(equals == std::string_view::npos ? std::string_view()
                                                                    : part.substr(equals + 1));
        if (!name || !value) {
            return std::unexpected(!name ? std::move(name).error() : std::move(value).error());
        }
        if (name->empty() || std::ranges::find(out, *name, &Parameter::name) != out.end()) {
            return refusal(400, Code::malformed, "query",
                           "each name once wanted, " + quoted(query) + " found");
        }
        if (out.size() == kMaxParameters) {
            return refusal(400, Code::too_large, "query", "more than 16 parameters");
        }
        out.push_back({*std::move(name), *std::move(value)});
    }
    return out;
}

Parsed<Method> read_method(std::string_view text) {
    for (const Method method :
         {Method::get, Method::head, Method::post, Method::put, Method::del}) {
        if (text == method_name(method)) {
            return method;
        }
    }
    return is_token(text) ? refusal(501, Code::unsupported, "method", quoted(text))
                          : refusal(400, Code::malformed, "method", quoted(text));
}

Parsed<Request> read_request_line(std::string_view line) {
    const std::vector<std::string_view> parts = split(line, ' ');
    if (parts.size() != 3) {
        return refusal(400, Code::malformed, "",
                       "\"method target version\" wanted, " + quoted(line) + " found");
    }
    Request out;
    auto method = read_method(parts[0]);
    if (!method) {
        return std::unexpected(std::move(method).error());
    }
    out.method = *method;
    if (parts[2] != "HTTP/1.1") {
        const bool other = parts[2].size() == 8 && parts[2].starts_with("HTTP/");
        return other ? refusal(505, Code::unsupported, "version", quoted(parts[2]))
                     : refusal(400, Code::malformed, "version", quoted(parts[2]));
    }
    if (!parts[1].starts_with('/') || !std::ranges::all_of(parts[1], is_target_char)) {
        return refusal(400, Code::malformed, "target",
                       "\"/path?query\" wanted, " + quoted(parts[1]) + " found");
    }
    out.target = parts[1];
    const std::size_t question = parts[1].find('?');
    auto path = decode_path(parts[1].substr(0, question));
    if (!path) {
        return std::unexpected(std::move(path).error());
    }
    out.path = *std::move(path);
    if (question != std::string_view::npos && question + 1 < parts[1].size()) {
        auto query = decode_query(parts[1].substr(question + 1));
        if (!query) {
            return std::unexpected(std::move(query).error());
        }
        out.query = *std::move(query);
    }
    return out;
}

Parsed<void> check_host(const Request& request) {
    if (std::ranges::count(request.headers, "host", &Header::name) != 1) {
        return refusal(400, Code::malformed, "host", "exactly one wanted");
    }
    const std::string& host = *request.header("host");
    const bool literal = host.starts_with('[') && host.find(']') != std::string::npos;
    const std::string_view inside =
        literal ? std::string_view(host).substr(1) : std::string_view(host);
    if (host.empty() || !std::ranges::all_of(inside, [&](char c) {
            return is_host_char(c) || (literal && c == ']');
        })) {
        return refusal(400, Code::malformed, "host", quoted(host));
    }
    return {};
}

struct Head {
    Request request;
    std::uint64_t content_length = 0;
    bool expects_continue = false;
};

Parsed<Head> read_head(std::string_view text) {
    const std::string_view lines = text.substr(0, text.size() - 2);  // without the empty line
    const std::size_t end = lines.find("\r\n");
    auto request = read_request_line(lines.substr(0, end));
    if (!request) {
        return std::unexpected(std::move(request).error());
    }
    Head head{.request = *std::move(request)};
    auto headers = read_headers(lines.substr(end + 2), kMaxRequestHeaders, kWhere);
    if (!headers) {
        const int status = headers.error().code == Code::too_large ? 431 : 400;
        return std::unexpected(Refusal{std::move(headers).error(), status});
    }
    head.request.headers = *std::move(headers);
    if (auto host = check_host(head.request); !host) {
        return std::unexpected(std::move(host).error());
    }
    auto framing = read_framing(head.request.headers, kWhere);
    if (!framing) {
        const int status = framing.error().code == Code::unsupported ? 501 : 400;
        return std::unexpected(Refusal{std::move(framing).error(), status});
    }
    if (framing->chunked) {
        return refusal(411, Code::unsupported, "transfer-encoding",
                       "a request with content-length wanted");
    }
    head.content_length = framing->content_length.value_or(0);
    head.request.keep_alive = !framing->close;
    if (head.content_length != 0 &&
        (head.request.method == Method::get || head.request.method == Method::head)) {
        return refusal(400, Code::malformed, "content-length", "no body wanted with this method");
    }
    if (const std::string* expect = head.request.header("expect")) {
        if (lower(*expect) != "100-continue") {
            return refusal(417, Code::unsupported, "expect", quoted(*expect));
        }
        head.expects_continue = head.content_length != 0;
    }
    return head;
}

Error head_too_large() {
    return {Code::too_large, std::string(kWhere),
            "a head of at most " + std::to_string(kMaxRequestHead) + " bytes wanted"};
}

Error broken_line() {
    return {Code::malformed, std::string(kWhere), "NUL, a bare CR or a bare LF in the head"};
}

}  // namespace

Result<Request> parse_request_head(std::string_view head) {
    RequestParser parser(SIZE_MAX);
    RATLS_TRY(const std::size_t used, parser.feed(as_bytes(head)));
    if (!parser.head_complete() || used != head.size()) {
        return fail(Code::malformed, std::string(kWhere),
                    parser.head_complete() ? "bytes after the head" : "the head is cut off");
    }
    return parser.request();
}

std::unexpected<Error> RequestParser::refuse(Error error, int status) {
    error_ = error;
    failure_status_ = status;
    return std::unexpected(std::move(error));
}

Result<std::size_t> RequestParser::feed(ByteView in) {
    if (error_) {
        return std::unexpected(*error_);
    }
    if (head_complete()) {
        const std::size_t used = std::min<std::uint64_t>(body_left_, in.size());
        append(request_->body, in.first(used));
        body_left_ -= used;
        return used;
    }
    for (std::size_t i = 0; i < in.size(); ++i) {
        const char c = static_cast<char>(in[i]);
        if (breaks_line_rules(head_.empty() ? '\0' : head_.back(), c)) {
            return refuse(broken_line(), 400);
        }
        if (head_.size() == kMaxRequestHead) {
            return refuse(head_too_large(), 431);
        }
        head_ += c;
        if (!head_.ends_with("\r\n\r\n")) {
            continue;
        }
        auto head = read_head(head_);
        if (!head) {
            const int status = head.error().status;
            return refuse(std::move(head).error().error, status);
        }
        if (head->content_length > max_body_) {
            body_left_ = head->content_length;
            RATLS_CHECK(limit_body(max_body_));
        }
        request_ = std::move(head->request);
        body_left_ = head->content_length;
        expects_continue_ = head->expects_continue;
        return i + 1;
    }
    return in.size();
}

Status RequestParser::limit_body(std::size_t max_body) {
    if (body_left_ > max_body) {
        return refuse({Code::too_large, std::string(kWhere) + ": content-length",
                       "at most " + std::to_string(max_body) + " bytes wanted, " +
                           std::to_string(body_left_) + " announced"},
                      413);
    }
    return {};
}

Request RequestParser::take() {
    Request out = *std::exchange(request_, std::nullopt);
    head_.clear();
    expects_continue_ = false;
    return out;
}

}  // namespace ratls::http
