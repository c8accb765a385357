#include "agent/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "agent/places.h"
#include "agent/session.h"

namespace ratls::agent {
namespace {

constexpr int kBacklog = 128;
constexpr std::size_t kMaxRefusals = 16;  // clients that are being told 503 at the same time
constexpr int kShareForWorkers = 10;      // of the time to end: a tenth
constexpr std::chrono::milliseconds kPauseWhenShort{100};  // of file descriptors or memory

using SessionPtr = std::unique_ptr<Session>;

/// A flag that poll can wait for. `set` may be called from a signal handler.
class Event {
  public:
    Event() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
    int fd() const { return fd_.get(); }
    void set() const noexcept {
        const std::uint64_t one = 1;
        // It fails only when the counter is full, and then the flag is up already.
        [[maybe_unused]] const ssize_t written = ::write(fd_.get(), &one, sizeof one);
    }
    void clear() const {
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t got = ::read(fd_.get(), &count, sizeof count);
    }

  private:
    Descriptor fd_;
};

}  // namespace

struct Server::Impl {
    explicit Impl(ServerOptions options)
        : context(std::move(options)),
          places(context.options.limits.max_of_network, context.options.proxies) {}

    SessionContext context;
    Places places;
    Descriptor listener;
    std::uint16_t port = 0;
    Event stop;
    Event returned_ready;

    std::mutex mutex;
    std::condition_variable work;      // jobs or closing changed
    std::deque<SessionPtr> jobs;       // ready to advance
    std::vector<SessionPtr> returned;  // advanced, to be waited for
    bool closing = false;
    unsigned working = 0;  // workers that have not ended
    std::condition_variable worker_ended;

    // The waiting thread's own.
    std::vector<SessionPtr> parked;
    std::atomic<std::size_t> served = 0;   // sessions alive, wherever they are
    std::atomic<std::size_t> refused = 0;  // of them, those that are told 503
    Deadline accept_from{};
    std::vector<pollfd> items;

    std::vector<std::jthread> workers;  // the first to go, since they use the rest

    bool run();
    void work_loop();
    void release(SessionPtr session);
    void enqueue(SessionPtr session);
    void accept_all();
    void accept(Descriptor socket);
    bool make_room(const std::function<bool(const Session&)>& among);
    void take_returned();
    void look_at_parked(Deadline now);
    void wait_for_events(Deadline until);
    Deadline next_deadline(Deadline latest) const;
};

Server::Server(ServerOptions options, IdentitySource identity, Handler handler)
    : impl_(std::make_unique<Impl>(std::move(options))) {
    impl_->context.identity = std::move(identity);
    impl_->context.handler = std::move(handler);
}

Server::~Server() = default;

Status Server::listen() {
    if (impl_->stop.fd() < 0 || impl_->returned_ready.fd() < 0) {
        return fail(Code::io, "server", "no eventfd");
    }
    const ServerOptions& options = impl_->context.options;
    RATLS_TRY(impl_->listener, listen_tcp(options.address, options.port, kBacklog));
    RATLS_TRY(impl_->port, local_port(impl_->listener.get()));
    return {};
}

std::uint16_t Server::port() const {
    return impl_->port;
}

bool Server::run() {
    return impl_->run();
}

void Server::stop() noexcept {
    impl_->stop.set();
}

bool Server::Impl::run() {
    working = std::max(1U, context.options.workers);
    for (unsigned i = working; i > 0; --i) {
        workers.emplace_back([this] { work_loop(); });
    }
    const std::chrono::milliseconds drain = context.options.limits.drain;
    Deadline give_up = Deadline::max();
    Deadline end = Deadline::max();
    for (;;) {
        wait_for_events(next_deadline(give_up));
        const Deadline now = std::chrono::steady_clock::now();
        if (!context.stopping && (items[0].revents & POLLIN) != 0) {
            context.stopping = true;
            listener.reset();
            end = now + drain;
            give_up = end - drain / kShareForWorkers;
        }
        look_at_parked(now);
        take_returned();  // also those that may go for others
        if (context.stopping && (served == 0 || now >= give_up)) {
            break;
        }
        if (!context.stopping && items[2].revents != 0) {
            accept_all();
        }
    }
    {
        const std::lock_guard lock(mutex);
        closing = true;
        jobs.clear();
    }
    work.notify_all();
    std::unique_lock lock(mutex);
    const bool ended = worker_ended.wait_until(lock, end, [this] { return working == 0; });
    parked.clear();
    returned.clear();
    return ended;
}

Deadline Server::Impl::next_deadline(Deadline latest) const {
    for (const SessionPtr& session : parked) {
        latest = std::min(latest, session->deadline());
    }
    return accept_from > std::chrono::steady_clock::now() ? std::min(latest, accept_from) : latest;
}

/// items: stop, returned_ready, listener, then one for each parked session.
void Server::Impl::wait_for_events(Deadline until) {
    const Deadline now = std::chrono::steady_clock::now();
    const bool listening = listener.get() >= 0 && now >= accept_from;
    // Once it is up, the stop flag stays up, and would end every wait.
    items.assign({{context.stopping ? -1 : stop.fd(), POLLIN, 0},
                  {returned_ready.fd(), POLLIN, 0},
                  {listening ? listener.get() : -1, POLLIN, 0}});
    for (const SessionPtr& session : parked) {
        items.push_back({session->fd(), session->events(), 0});
    }
    int timeout = -1;
    if (until != Deadline::max()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
        timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
    }
    if (poll(items.data(), items.size(), timeout) < 0) {
        for (pollfd& item : items) {
            item.revents = 0;  // a signal; what it set is seen by the next poll
        }
    }
}

/// Hands over what is ready or late; drops what is idle once the server stops.
void Server::Impl::look_at_parked(Deadline now) {
    std::vector<SessionPtr> kept;
    for (std::size_t i = 0; i < parked.size(); ++i) {
        SessionPtr& session = parked[i];
        const bool late = now >= session->deadline();
        if (late) {
            session->expire();
        } else if (context.stopping) {
            session->stop();
        }
        if (session->events() == 0) {
            release(std::move(session));
        } else if (!late && items[3 + i].revents != 0) {
            enqueue(std::move(session));
        } else {
            kept.push_back(std::move(session));
        }
    }
    parked = std::move(kept);
}

void Server::Impl::take_returned() {
    returned_ready.clear();
    const std::lock_guard lock(mutex);
    std::ranges::move(returned, std::back_inserter(parked));
    returned.clear();
}

void Server::Impl::accept_all() {
    for (int i = 0; i < kBacklog; ++i) {  // then those who are connected have a turn
        auto socket = accept_tcp(listener.get());
        if (!socket) {
            accept_from = deadline_in(kPauseWhenShort);
            return;
        }
        if (socket->get() < 0) {
            return;
        }
        accept(*std::move(socket));
    }
}

void Server::Impl::accept(Descriptor socket) {
    Peer peer = peer_of(socket.get());
    const auto same_network = [&](const Session& session) {
        return !session.full() && session.network() == peer.network;
    };
    const auto any = [](const Session& session) { return !session.full(); };
    const auto refused_one = [](const Session& session) { return session.full(); };
    const bool full =
        places.full(peer.address, peer.network)
            ? !make_room(same_network)
            : served - refused >= context.options.limits.max_connections && !make_room(any);
    if (full && refused >= kMaxRefusals && !make_room(refused_one)) {
        return;  // closes it
    }
    ++served;
    if (full) {
        ++refused;
    } else {
        places.enter(peer.network);
    }
    parked.push_back(std::make_unique<Session>(context, std::move(socket), std::move(peer), full));
}

/// Drops the one of these that is idle longest; false if none is.
bool Server::Impl::make_room(const std::function<bool(const Session&)>& among) {
    const Deadline now = std::chrono::steady_clock::now();
    auto longest = parked.end();
    Deadline since = Deadline::max();
    for (auto it = parked.begin(); it != parked.end(); ++it) {
        const auto idle = among(**it) ? (*it)->idle_since(now) : std::nullopt;
        if (idle && *idle < since) {
            since = *idle;
            longest = it;
        }
    }
    if (longest == parked.end()) {
        return false;
    }
    (*longest)->drop();
    release(std::move(*longest));
    parked.erase(longest);
    return true;
}

void Server::Impl::enqueue(SessionPtr session) {
    {
        const std::lock_guard lock(mutex);
        jobs.push_back(std::move(session));
    }
    work.notify_one();
}

void Server::Impl::release(SessionPtr session) {
    if (session->full()) {
        --refused;
    } else {
        places.leave(session->network());
    }
    session.reset();
    --served;
}

void Server::Impl::work_loop() {
    std::unique_lock lock(mutex);
    for (;;) {
        work.wait(lock, [this] { return closing || !jobs.empty(); });
        if (closing) {
            --working;
            worker_ended.notify_all();
            return;
        }
        SessionPtr session = std::move(jobs.front());
        jobs.pop_front();
        lock.unlock();
        session->advance();
        if (session->events() == 0) {
            release(std::move(session));
            lock.lock();
        } else {
            lock.lock();
            if (session->again()) {
                jobs.push_back(std::move(session));  // this worker goes on, no other need wake up
                continue;
            }
            returned.push_back(std::move(session));
        }
        returned_ready.set();
    }
}

}  // namespace ratls::agent
