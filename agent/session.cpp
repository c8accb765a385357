#include "agent/session.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "ratls/base/text.h"
#include "ratls/http/writer.h"

namespace ratls::agent {
namespace {

constexpr std::chrono::milliseconds kLinger{1000};
constexpr std::size_t kMaxLingerBytes = std::size_t{1} << 20;
constexpr std::size_t kRecord = 16384;  // plain text of one TLS record
constexpr std::size_t kMaxLogged = 200;
constexpr int kServerError = 500;

}  // namespace

Session::Session(SessionContext& context, Descriptor socket, Peer peer, bool full)
    : context_(context),
      full_(full),
      peer_(std::move(peer)),
      events_(POLLIN),
      deadline_(deadline_in(context.options.limits.handshake)),
      lives_until_(deadline_in(context.options.limits.lifetime)),
      socket_(std::move(socket)),
      progress_(std::chrono::steady_clock::now()) {}

int Session::fd() const {
    return tls_ ? tls_->fd() : acceptor_ ? acceptor_->fd() : socket_.get();
}

void Session::advance() {
    again_ = false;
    progress_ = std::chrono::steady_clock::now();
    bool more = true;
    while (more) {
        switch (state_) {
            case State::handshake:
                more = shake_hands();
                break;
            case State::request:
                more = read_request();
                break;
            case State::response:
                more = write_response();
                break;
            case State::linger:
                more = drain();
                break;
            case State::over:
                return;
        }
    }
}

void Session::expire() {
    if (state_ == State::request && request_started()) {
        refuse(408, "the request took too long");
        advance();
        return;
    }
    drop();
}

void Session::drop() {
    if (state_ == State::response) {
        // Closing drops what the client does not take, instead of leaving it to the kernel.
        const ::linger drop{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &drop, sizeof drop);
    }
    over();
}

std::optional<Deadline> Session::idle_since(Deadline now) const {
    const bool served = state_ == State::response || state_ == State::linger ||
                        (state_ == State::request && request_started());
    if (served && now - progress_ < context_.options.limits.stalled) {
        return std::nullopt;
    }
    return progress_;
}

void Session::stop() {
    const bool busy = state_ == State::response || state_ == State::linger ||
                      (state_ == State::request && request_started());
    if (!busy) {
        over();
    }
}

bool Session::wait(short events) {
    events_ = events;
    return false;
}

bool Session::over() {
    if (tls_) {
        tls_->close();
    }
    state_ = State::over;
    return wait(0);
}

bool Session::shake_hands() {
    if (!acceptor_) {
        const auto identity = context_.identity();
        if (!identity) {
            return over();
        }
        auto acceptor = TlsAcceptor::start(std::move(socket_), identity);
        if (!acceptor) {
            return over();
        }
        acceptor_ = *std::move(acceptor);
    }
    const auto progress = acceptor_->step();
    if (!progress) {
        return over();
    }
    if (progress->wait != 0) {
        return wait(progress->wait);
    }
    tls_ = acceptor_->take();
    acceptor_.reset();
    return full_ ? refuse(503, "too many connections") : begin_request();
}

bool Session::begin_request() {
    state_ = State::request;
    header_clock_ = false;
    head_seen_ = false;
    deadline_ = std::min(deadline_in(context_.options.limits.idle), lives_until_);
    return true;
}

bool Session::read_request() {
    if (input_.empty()) {
        input_.resize(kRecord);
        const auto progress = tls_->try_read(input_);
        input_.resize(progress ? progress->bytes : 0);
        if (!progress) {
            return over();
        }
        if (progress->wait != 0) {
            return wait(progress->wait);
        }
        if (progress->bytes == 0) {
            return over();
        }
    }
    if (!header_clock_) {
        header_clock_ = true;
        deadline_ = deadline_in(context_.options.limits.header);
    }
    while (!input_.empty() && !parser_.complete()) {
        const auto used = parser_.feed(input_);
        if (!used) {
            return refuse(parser_.failure_status(), used.error().text());
        }
        input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(*used));
        if (parser_.head_complete() && !head_seen_) {
            head_seen_ = true;
            if (!head_arrived()) {
                return true;
            }
        }
    }
    return parser_.complete() ? answer_request() : true;
}

/// Sets the bounds of the body. False: there is something to write first.
bool Session::head_arrived() {
    const auto& options = context_.options;
    const std::size_t limit =
        options.body_limit ? options.body_limit(parser_.request()) : options.limits.max_body;
    if (const Status fits = parser_.limit_body(limit); !fits) {
        refuse(parser_.failure_status(), fits.error().text());
        return false;
    }
    deadline_ = deadline_in(options.limits.body);
    if (parser_.expects_continue() && input_.empty()) {
        constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
        output_ = {to_bytes(as_bytes(kContinue))};
        written_ = 0;
        interim_ = true;
        state_ = State::response;
        return false;
    }
    return true;
}

bool Session::answer_request() {
    const http::Request request = parser_.take();
    ConnectionInfo info;
    info.exporter = [this](ByteView nonce) { return tls_->exporter(nonce); };
    info.leaf_sha256 = sha256(tls_->server_chain().front());
    info.alpn = tls_->alpn();
    info.peer = peer_.text;
    info.network = peer_.network;
    info.request_index = requests_++;
    http::Response response = context_.handler(request, info);
    response.keep_alive = response.keep_alive && request.keep_alive && !context_.stopping &&
                          requests_ < context_.options.limits.max_requests &&
                          std::chrono::steady_clock::now() < lives_until_;
    const std::string to = ", " + std::string(http::method_name(request.method)) + " " +
                           quoted(request.path, kMaxLogged);
    return respond(std::move(response), request.method == http::Method::head, to);
}

/// `to`: the request, for the log.
bool Session::respond(http::Response response, bool without_body, std::string_view to) {
    keep_alive_ = response.keep_alive;
    held_ = {};
    if (response.body.size() > kRecord && !without_body) {
        held_ = context_.held.take(response.body.size());
        if (!held_) {
            response = http::error_response(503, "too many responses are under way");
            response.keep_alive = keep_alive_;
        }
    }
    auto head = http::write_head(response);
    if (!head) {
        response = http::error_response(500, "the response cannot be written");
        response.keep_alive = keep_alive_;
        head = http::write_head(response);
    }
    if (response.status >= kServerError && context_.options.log) {
        context_.options.log(std::to_string(response.status) + " to " + peer_.text +
                             std::string(to) + ": " + response.cause);
    }
    output_ = {to_bytes(as_bytes(*head))};
    written_ = 0;
    interim_ = false;
    const bool has_body = response.status != 204 && response.status != 304 && !without_body;
    stream_ = has_body ? std::move(response.stream) : std::nullopt;
    streamed_ = 0;
    if (stream_) {
        response.body.clear();
    }
    if (has_body && output_.front().size() + response.body.size() <= kRecord) {
        append(output_.front(), response.body);
    } else if (has_body) {
        output_.push_back(std::move(response.body));
    }
    state_ = State::response;
    deadline_ = deadline_in(context_.options.limits.response);
    return true;
}

bool Session::refuse(int status, std::string_view text) {
    http::Response response = http::error_response(status, text);
    response.keep_alive = false;
    input_.clear();
    return respond(std::move(response), false, "");
}

/// The next record. Where the bytes are gone the connection breaks off, so that nobody takes a part
/// for the whole.
bool Session::fill_from_stream() {
    Bytes record(
        static_cast<std::size_t>(std::min<std::uint64_t>(kRecord, stream_->size - streamed_)));
    const auto got = stream_->read_at(streamed_, record);
    if (!got || *got == 0) {
        return false;
    }
    record.resize(*got);
    streamed_ += *got;
    output_.push_back(std::move(record));
    return true;
}

bool Session::write_response() {
    while (!output_.empty() || (stream_ && streamed_ < stream_->size)) {
        if (output_.empty() && !fill_from_stream()) {
            drop();
            return false;
        }
        const ByteView left = ByteView(output_.front()).subspan(written_);
        if (left.empty()) {
            output_.erase(output_.begin());
            written_ = 0;
            continue;
        }
        const auto progress = tls_->try_write(left);
        if (!progress) {
            return over();
        }
        if (progress->wait != 0) {
            return wait(progress->wait);
        }
        written_ += progress->bytes;
    }
    held_ = {};
    stream_.reset();
    if (interim_) {
        interim_ = false;
        state_ = State::request;
        return true;
    }
    if (keep_alive_) {
        again_ = begin_request();
        return wait(POLLIN);
    }
    tls_->end_writing();
    state_ = State::linger;
    deadline_ = deadline_in(kLinger);
    return true;
}

/// Takes what the client still sends, for a moment. Closing at once would reset the connection, and
/// the client might never see the response. Source: RFC 9112, section 9.6.
bool Session::drain() {
    std::array<std::uint8_t, kRecord> unused{};
    for (;;) {
        const ssize_t got = ::recv(tls_->fd(), unused.data(), unused.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return wait(POLLIN);
        }
        lingered_ += got > 0 ? static_cast<std::size_t>(got) : 0;
        if (got <= 0 || lingered_ > kMaxLingerBytes) {
            return over();
        }
    }
}

}  // namespace ratls::agent
