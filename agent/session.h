// One connection of the server, as a state machine that never waits.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/held_bytes.h"
#include "agent/server.h"
#include "ratls/http/parser.h"

namespace ratls::agent {

/// What all sessions of a server share.
struct SessionContext {
    explicit SessionContext(ServerOptions chosen)
        : options(std::move(chosen)), held(options.limits.max_held) {}

    const ServerOptions options;
    HeldBytes held;
    IdentitySource identity;
    Handler handler;
    std::atomic<bool> stopping = false;
};

/// Handshake, then requests and responses in turn. Whoever owns it waits for `events` on `fd` until
/// `deadline` and then calls `advance` or `expire`; one thread at a time.
class Session {
  public:
    /// `full`: the server has no room; the client is told 503 and nothing else.
    Session(SessionContext& context, Descriptor socket, Peer peer, bool full);

    /// Goes on as far as that is possible without waiting for the client, but not beyond the end of
    /// a response: other sessions have a turn in between.
    void advance();
    /// There may be more to do without waiting: `advance` should be called again.
    bool again() const { return again_; }
    /// The deadline passed: a client with half a request is told so, if it still listens.
    void expire();
    /// The server stops: ends it unless a request is under way.
    void stop();
    /// Ends it without a word.
    void drop();

    /// Since when the client does nothing; none if it is one that is served.
    std::optional<Deadline> idle_since(Deadline now) const;

    /// Poll events to wait for; 0: the session is over.
    short events() const { return events_; }
    Deadline deadline() const { return deadline_; }
    int fd() const;
    bool full() const { return full_; }
    const std::string& network() const { return peer_.network; }

  private:
    enum class State : std::uint8_t { handshake, request, response, linger, over };

    bool shake_hands();
    bool read_request();
    bool write_response();
    bool drain();
    bool wait(short events);
    bool over();
    bool begin_request();
    bool head_arrived();
    bool answer_request();
    bool respond(http::Response response, bool without_body, std::string_view to);
    bool fill_from_stream();
    bool refuse(int status, std::string_view text);
    bool request_started() const { return !input_.empty() || parser_.started(); }

    SessionContext& context_;
    bool full_;
    Peer peer_;
    State state_ = State::handshake;
    short events_ = 0;
    Deadline deadline_;
    Deadline lives_until_;
    Descriptor socket_;  // until the first step of the handshake
    std::optional<TlsAcceptor> acceptor_;
    std::optional<TlsConnection> tls_;
    Bytes input_;                           // read, but not yet parsed
    http::RequestParser parser_{SIZE_MAX};  // the limit is set when the head is known
    bool header_clock_ = false;
    bool head_seen_ = false;
    std::size_t requests_ = 0;
    std::vector<Bytes> output_;
    std::size_t written_ = 0;           // of output_.front()
    HeldBytes::Share held_;             // for output_
    std::optional<ByteStream> stream_;  // what comes behind output_
    std::uint64_t streamed_ = 0;
    Deadline progress_;  // the last one
    bool keep_alive_ = true;
    bool interim_ = false;  // the output is "100 Continue"
    bool again_ = false;
    std::size_t lingered_ = 0;
};

}  // namespace ratls::agent
