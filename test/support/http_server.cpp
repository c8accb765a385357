#include "test/support/http_server.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <charconv>

#include "test/support/child.h"

namespace ratls::test {
namespace {

std::size_t content_length(const std::string& head) {
    const std::string name = "\r\nContent-Length: ";
    const auto at = head.find(name);
    std::size_t length = 0;
    if (at != std::string::npos) {
        std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
    }
    return length;
}

std::string read_request(int client) {
    std::string request;
    for (;;) {
        const auto end = request.find("\r\n\r\n");
        if (end != std::string::npos && request.size() >= end + 4 + content_length(request)) {
            return request;
        }
        pollfd event{client, POLLIN, 0};
        std::array<char, 4096> buffer{};
        const ssize_t got = ::poll(&event, 1, 5000) == 1
                                ? ::recv(client, buffer.data(), buffer.size(), 0)
                                : ssize_t{0};
        if (got <= 0) {
            return {};
        }
        request.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

void send_all(int client, std::string_view rest) {
    while (!rest.empty()) {
        const ssize_t sent = ::send(client, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;  // the client has seen enough
        }
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
}

}  // namespace

HttpServer::HttpServer(Handler handler)
    : handler_(std::move(handler)), listener_(listen_on(0)), port_(port_of(listener_.get())) {
    thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);  // ends the accept
    thread_.join();
}

void HttpServer::serve() {
    for (;;) {
        Descriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (client.get() < 0) {
            return;
        }
        const std::string request = read_request(client.get());
        const std::string response = request.empty() ? request : handler_(request);
        if (response.empty()) {
            waiting_.push_back(std::move(client));
        } else {
            send_all(client.get(), response);
            ::shutdown(client.get(), SHUT_WR);
            read_request(client.get());  // until the client closes, or a reset eats the response
        }
    }
}

}  // namespace ratls::test
