#include <algorithm>
#include <charconv>
#include <utility>

#include "ratls/base/text.h"
#include "ratls/http/parser.h"
#include "ratls/http/syntax.h"

namespace ratls::http {
namespace {

constexpr std::string_view kWhere = "http.response";
constexpr int kMaxInterim = 8;

std::unexpected<Error> refused(Code code, std::string_view field, std::string what) {
    std::string where(kWhere);
    if (!field.empty()) {
        where += ": " + std::string(field);
    }
    return fail(code, std::move(where), std::move(what));
}

struct StatusLine {
    int status = 0;
    bool http_1_0 = false;
};

/// "HTTP/1.1 200 OK". Some servers leave out the space before an empty reason; it changes nothing.
Result<StatusLine> read_status_line(std::string_view line) {
    StatusLine out;
    out.http_1_0 = line.starts_with("HTTP/1.0 ");
    const std::string_view digits = line.substr(std::min<std::size_t>(9, line.size()), 3);
    const auto [at, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out.status);
    const bool numeric = error == std::errc() && at == digits.data() + 3;
    if ((!out.http_1_0 && !line.starts_with("HTTP/1.1 ")) || !numeric || out.status < 100 ||
        out.status > 599 || (line.size() > 12 && line[12] != ' ') || !is_field_text(line)) {
        return refused(Code::malformed, "status line",
                       "\"HTTP/1.1 200 OK\" wanted, " + quoted(line) + " found");
    }
    return out;
}

}  // namespace

Result<std::size_t> ResponseParser::feed(ByteView in) {
    if (error_) {
        return std::unexpected(*error_);
    }
    std::size_t used = 0;
    while (used < in.size() && !complete()) {
        auto step_used = step(in.subspan(used));
        if (!step_used) {
            error_ = step_used.error();
            return step_used;
        }
        used += *step_used;
    }
    return used;
}

/// Takes one byte of a line, or as much of a body as there is.
Result<std::size_t> ResponseParser::step(ByteView in) {
    switch (state_) {
        case State::sized_body:
        case State::chunk_data: {
            const std::size_t size = std::min<std::uint64_t>(left_, in.size());
            RATLS_CHECK(add_body(in.first(size)));
            left_ -= size;
            if (left_ == 0) {
                state_ = state_ == State::sized_body ? State::complete : State::chunk_end;
            }
            return size;
        }
        case State::body_until_close:
            RATLS_CHECK(add_body(in));
            return in.size();
        case State::complete:
            return 0;
        default:
            break;
    }
    const char c = static_cast<char>(in[0]);
    if (breaks_line_rules(line_.empty() ? '\0' : line_.back(), c)) {
        return refused(Code::malformed, "", "NUL, a bare CR or a bare LF in a line");
    }
    const std::size_t limit = state_ == State::head || state_ == State::trailer ? kMaxResponseHead
                              : state_ == State::chunk_size                     ? kMaxChunkLine
                                                                                : 2;
    if (line_.size() == limit) {
        return refused(Code::too_large, "",
                       "at most " + std::to_string(limit) + " bytes wanted in this place");
    }
    line_ += c;
    if (state_ == State::head && line_.ends_with("\r\n\r\n")) {
        RATLS_CHECK(head_is_whole());
    } else if (state_ == State::chunk_size && line_.ends_with("\r\n")) {
        RATLS_CHECK(chunk_size_is_whole());
    } else if (state_ == State::chunk_end && line_.ends_with("\r\n")) {
        if (line_.size() != 2) {
            return refused(Code::malformed, "chunk", "a line end wanted after its bytes");
        }
        line_.clear();
        state_ = State::chunk_size;
    } else if (state_ == State::trailer && (line_ == "\r\n" || line_.ends_with("\r\n\r\n"))) {
        // Read for its form only: nothing that matters may come after the body.
        RATLS_TRY(const auto unused,
                  read_headers(std::string_view(line_).substr(0, line_.size() - 2),
                               kMaxResponseHeaders, "http.response: trailer"));
        line_.clear();
        state_ = State::complete;
    }
    return 1;
}

Status ResponseParser::head_is_whole() {
    const std::string text = std::exchange(line_, {});
    const std::string_view lines = std::string_view(text).substr(0, text.size() - 2);
    const std::size_t end = lines.find("\r\n");
    RATLS_TRY(const StatusLine first, read_status_line(lines.substr(0, end)));
    RATLS_TRY(response_.headers, read_headers(lines.substr(end + 2), kMaxResponseHeaders, kWhere));
    RATLS_TRY(const Framing framing, read_framing(response_.headers, kWhere));
    if (first.status < 200) {
        // 101 would change the protocol, and nobody asked for that.
        if (first.status == 101 || framing.chunked || framing.content_length ||
            ++interim_ > kMaxInterim) {
            return refused(Code::malformed, "status line",
                           "an interim response that nobody asked for");
        }
        return {};
    }
    response_.status = first.status;
    response_.keep_alive = !framing.close && (!first.http_1_0 || framing.keep_alive);
    if (to_ == Method::head || first.status == 204 || first.status == 304) {
        state_ = State::complete;
    } else if (framing.chunked) {
        state_ = State::chunk_size;
    } else if (framing.content_length) {
        left_ = *framing.content_length;
        state_ = left_ == 0 ? State::complete : State::sized_body;
        if (left_ > max_body_) {
            return refused(Code::too_large, "content-length",
                           "at most " + std::to_string(max_body_) + " bytes wanted, " +
                               std::to_string(left_) + " announced");
        }
    } else {
        response_.keep_alive = false;
        state_ = State::body_until_close;
    }
    return {};
}

Status ResponseParser::chunk_size_is_whole() {
    const std::string text = std::exchange(line_, {});
    const std::string_view line = std::string_view(text).substr(0, text.size() - 2);
    const std::string_view digits = line.substr(0, line.find(';'));  // extensions mean nothing here
    const char* end = digits.data() + digits.size();
    const auto [at, error] = std::from_chars(digits.data(), end, left_, 16);
    if (digits.size() > 8 || error != std::errc() || at != end || !is_field_text(line)) {
        return refused(Code::malformed, "chunk size",
                       "1 to 8 hex digits wanted, " + quoted(line) + " found");
    }
    state_ = left_ == 0 ? State::trailer : State::chunk_data;
    return {};
}

Status ResponseParser::add_body(ByteView more) {
    if (more.size() > max_body_ - response_.body.size()) {
        return refused(Code::too_large, "body",
                       "at most " + std::to_string(max_body_) + " bytes wanted");
    }
    append(response_.body, more);
    return {};
}

Status ResponseParser::finish() {
    if (error_) {
        return std::unexpected(*error_);
    }
    if (state_ == State::body_until_close) {
        state_ = State::complete;
    }
    if (!complete()) {
        return refused(Code::malformed, "", "the connection ended before the message did");
    }
    return {};
}

Response ResponseParser::take() {
    return std::move(response_);
}

}  // namespace ratls::http
