#include "test/support/child.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <utility>

#include "ratls/platform/descriptor.h"

namespace ratls::test {
namespace {

sockaddr_in loopback(unsigned port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// Binds a new socket; false if the port is taken.
bool bind_port(Descriptor& socket, unsigned port) {
    socket = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

[[noreturn]] void become(char* const* arguments, const char* log_file, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int log = ::open(log_file, O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (::getppid() == parent && log >= 0 && nothing >= 0) {
        ::dup2(nothing, 0);
        ::dup2(log, 1);
        ::dup2(log, 2);
        ::execvp(arguments[0], arguments);
    }
    ::_exit(127);
}

}  // namespace

Child::Child(const std::vector<std::string>& argv, const std::string& log_file) {
    std::vector<char*> arguments;
    for (const std::string& argument : argv) {
        arguments.push_back(const_cast<char*>(argument.c_str()));  // exec does not write there
    }
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        become(arguments.data(), log_file.c_str(), parent);
    }
    if (pid_ < 0) {
        throw std::runtime_error("fork failed");
    }
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

Child& Child::operator=(Child&& other) noexcept {
    if (this != &other) {
        stop();
        pid_ = std::exchange(other.pid_, -1);
    }
    return *this;
}

bool Child::running() {
    if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
    }
    return pid_ > 0;
}

void Child::stop() {
    if (pid_ <= 0) {
        return;
    }
    ::kill(pid_, SIGTERM);
    if (!wait_until([this] { return !running(); }, 2000)) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
}

bool wait_until(const std::function<bool()>& done, int milliseconds) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        ::poll(nullptr, 0, 10);
    }
    return true;
}

unsigned free_port(unsigned more) {
    for (unsigned attempt = 0; attempt < 100; ++attempt) {
        std::vector<Descriptor> sockets(more + 1);
        if (!bind_port(sockets[0], 0)) {
            continue;
        }
        const unsigned port = port_of(sockets[0].get());
        bool all_free = port + more <= 0xffff;
        for (unsigned i = 1; all_free && i <= more; ++i) {
            all_free = bind_port(sockets[i], port + i);
        }
        if (all_free) {
            return port;
        }
    }
    throw std::runtime_error("no free port");
}

int listen_on(unsigned port) {
    Descriptor socket;
    return bind_port(socket, port) && ::listen(socket.get(), 16) == 0 ? socket.release() : -1;
}

unsigned port_of(int socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        throw std::runtime_error("no socket");
    }
    return ntohs(address.sin_port);
}

int connect_to(unsigned port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(socket);
        return -1;
    }
    return socket;
}

}  // namespace ratls::test
