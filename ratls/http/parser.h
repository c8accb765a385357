// Reads HTTP/1.1 messages, strictly: whatever two readers could understand differently is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ratls/http/message.h"

namespace ratls::http {

inline constexpr std::size_t kMaxRequestHead = 8 * 1024;  ///< with the empty line that ends it
inline constexpr std::size_t kMaxRequestHeaders = 64;
inline constexpr std::size_t kMaxResponseHead = 32 * 1024;  ///< servers on the way add theirs
inline constexpr std::size_t kMaxResponseHeaders = 128;
inline constexpr std::size_t kMaxChunkLine = 256;  ///< size and extensions of a chunk, with CRLF

/// The head of a request, with the empty line that ends it and nothing after it.
///
/// Accepted: the methods of `Method`, a target in origin-form, HTTP/1.1, Host exactly once, at most
/// one Content-Length. Refused: Transfer-Encoding, folded lines, line ends other than CRLF, control
/// characters, white space before a colon, a body of GET or HEAD, dot segments, encoded slashes,
/// backslashes or control characters in the path, a query name twice.
/// Source: RFC 9112, sections 2 to 6; RFC 3986, section 2.1 and 3.3.
Result<Request> parse_request_head(std::string_view head);

/// Reads one request piece by piece. A failure sticks.
class RequestParser {
  public:
    /// `max_body`: bodies announced to be longer are refused before they are read.
    explicit RequestParser(std::size_t max_body) : max_body_(max_body) {}

    /// Takes bytes until the head is whole (once), until the message is complete, or until `in` is
    /// used up; gives how many it took. The rest belongs to the next call, or the next message.
    Result<std::size_t> feed(ByteView in);

    bool started() const { return !head_.empty() || head_complete(); }
    bool head_complete() const { return request_.has_value(); }
    bool complete() const { return head_complete() && body_left_ == 0; }
    /// Meaningful once the head is complete; the body is what has arrived so far.
    const Request& request() const { return *request_; }
    /// The client waits for "100 Continue" before it sends the body. RFC 9110, section 10.1.1.
    bool expects_continue() const { return expects_continue_; }
    /// Another limit, for a route; only between head and body.
    Status limit_body(std::size_t max_body);

    /// The complete request; the parser is then ready for the next one.
    Request take();

    /// The status to answer with after a failure: 400, 411, 413, 417, 431, 501 or 505.
    int failure_status() const { return failure_status_; }

  private:
    std::unexpected<Error> refuse(Error error, int status);

    std::size_t max_body_;
    std::string head_;
    std::optional<Request> request_;
    std::uint64_t body_left_ = 0;
    bool expects_continue_ = false;
    std::optional<Error> error_;
    int failure_status_ = 400;
};

/// Reads one response piece by piece. A failure sticks.
///
/// The body ends by Content-Length, by the last chunk, or by the end of the connection; messages
/// that claim two of these are refused. 1xx responses are skipped, at most 8 of them.
/// Source: RFC 9112, sections 4, 6 and 7.
class ResponseParser {
  public:
    /// `to`: the method that was asked for, since the answer to HEAD has no body.
    ResponseParser(Method to, std::size_t max_body) : to_(to), max_body_(max_body) {}

    /// Takes bytes until the message is complete or `in` is used up; gives how many it took.
    Result<std::size_t> feed(ByteView in);

    /// The connection ended in an orderly way: completes a body that lasts until then; an error for
    /// every other unfinished message.
    Status finish();

    bool started() const { return !line_.empty() || state_ != State::head; }
    bool complete() const { return state_ == State::complete; }
    /// The response; only when complete.
    Response take();

  private:
    enum class State : std::uint8_t {
        head,
        sized_body,
        chunk_size,
        chunk_data,
        chunk_end,
        trailer,
        body_until_close,
        complete
    };

    Result<std::size_t> step(ByteView in);
    Status head_is_whole();
    Status chunk_size_is_whole();
    Status add_body(ByteView more);

    Method to_;
    std::size_t max_body_;
    State state_ = State::head;
    std::string line_;  // head, chunk line or trailer section so far
    std::uint64_t left_ = 0;
    int interim_ = 0;
    Response response_;
    std::optional<Error> error_;
};

}  // namespace ratls::http
