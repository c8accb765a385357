#include "test/support/tpm_proxy.h"

#include <sys/socket.h>

#include "ratls/base/reader.h"

namespace ratls::test {
namespace {

constexpr std::size_t kHeader = 10;  // tag, size, code
constexpr std::uint32_t kMaxMessage = 4096;

std::uint32_t u32_at(ByteView bytes, std::size_t at) {
    return Reader(bytes.subspan(at, 4), "tpm").u32_be("number");
}

bool receive(int socket, std::span<std::uint8_t> out) {
    return out.empty() ||  // to ask for nothing blocks
           ::recv(socket, out.data(), out.size(), MSG_WAITALL) == static_cast<ssize_t>(out.size());
}

bool send_all(int socket, ByteView bytes) {
    return ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
}

/// A command or a reply, by the size in its header; empty at the end.
Bytes receive_message(int socket) {
    Bytes message(kHeader);
    if (!receive(socket, message)) {
        return {};
    }
    const std::uint32_t size = u32_at(message, 2);
    if (size < kHeader || size > kMaxMessage) {
        return {};
    }
    message.resize(size);
    return receive(socket, std::span(message).subspan(kHeader)) ? message : Bytes();
}

}  // namespace

TpmProxy::TpmProxy(const Swtpm& swtpm, Before before, After after)
    : swtpm_port_(swtpm.port()), before_(std::move(before)), after_(std::move(after)) {
    for (unsigned i = 0; control_.get() < 0 && i < 20; ++i) {
        port_ = free_port(1);
        commands_ = Descriptor(listen_on(port_));
        control_ = Descriptor(commands_.get() < 0 ? -1 : listen_on(port_ + 1));
    }
    command_thread_ = std::thread([this] { serve_commands(); });
    control_thread_ = std::thread([this] { serve_control(); });
}

TpmProxy::~TpmProxy() {
    ::shutdown(commands_.get(), SHUT_RDWR);  // ends the accept
    ::shutdown(control_.get(), SHUT_RDWR);
    command_thread_.join();
    control_thread_.join();
}

void TpmProxy::serve_commands() {
    for (;;) {
        const Descriptor client(::accept4(commands_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (client.get() < 0) {
            return;
        }
        for (;;) {
            const Bytes command = receive_message(client.get());
            if (command.empty()) {
                break;
            }
            const std::uint32_t code = u32_at(command, 6);
            before_(code);
            const Descriptor tpm(connect_to(swtpm_port_));
            Bytes reply = send_all(tpm.get(), command) ? receive_message(tpm.get()) : Bytes();
            after_(code, reply);
            if (reply.empty() || !send_all(client.get(), reply)) {
                break;
            }
        }
    }
}

void TpmProxy::serve_control() {
    for (;;) {
        const Descriptor client(::accept4(control_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (client.get() < 0) {
            return;
        }
        const Descriptor tpm(connect_to(swtpm_port_ + 1));
        for (const auto& [from, to] :
             {std::pair(client.get(), tpm.get()), std::pair(tpm.get(), client.get())}) {
            std::array<std::uint8_t, kMaxMessage> buffer{};
            const ssize_t got = ::recv(from, buffer.data(), buffer.size(), 0);
            if (got <= 0 || !send_all(to, ByteView(buffer).first(static_cast<std::size_t>(got)))) {
                break;
            }
        }
    }
}

}  // namespace ratls::test
