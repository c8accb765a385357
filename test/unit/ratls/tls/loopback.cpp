#include "test/unit/ratls/tls/loopback.h"

#include <doctest/doctest.h>
#include <poll.h>

#include "ratls/codec/der.h"
#include "ratls/platform/process.h"

namespace ratls::test {

std::shared_ptr<ServerIdentity> make_identity(std::size_t padding, KeyKind kind) {
    SelfSignedRequest request;
    request.common_name = "vm.test";
    request.dns_names = {"vm.test"};
    request.ip_addresses = {{127, 0, 0, 1}};
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    request.not_before = std::chrono::duration_cast<std::chrono::seconds>(now).count() - 300;
    request.not_after = request.not_before + 3600;
    if (padding != 0) {
        request.extension_oid = "1.3.6.1.5.5.7.1.35";
        request.extension_value = der::encode(der::kOctetString, Bytes(padding, 0x5a));
    }
    auto key = PrivateKey::generate(kind);
    REQUIRE(key);
    auto certificate = write_self_signed(request, *key);
    REQUIRE(certificate);
    return std::make_shared<ServerIdentity>(
        ServerIdentity{*std::move(key), {*std::move(certificate)}, nullptr});
}

std::shared_ptr<ServerIdentity> again(const ServerIdentity& identity) {
    auto key = PrivateKey::parse(identity.key.pem()->reveal());
    REQUIRE(key);
    return std::make_shared<ServerIdentity>(
        ServerIdentity{*std::move(key), identity.chain_der, identity.for_others});
}

Listener::Listener(int connections, Serve serve) {
    auto fd = listen_tcp("127.0.0.1", 0, 16);
    REQUIRE(fd);
    fd_ = *std::move(fd);
    port_ = local_port(fd_.get()).value();
    thread_ = std::jthread([this, connections, serve = std::move(serve)] {
        for (int i = 0; i < connections; ++i) {
            if (!wait_for(fd_.get(), POLLIN, soon()).value_or(false)) {
                return;
            }
            serve(accept_tcp(fd_.get()).value_or(Descriptor()));
        }
    });
}

Pair connect_pair(std::shared_ptr<const ServerIdentity> identity, const ClientOptions& options) {
    Pair pair;
    Listener listener(
        1, [&](Descriptor fd) { pair.server = accept_tls(std::move(fd), identity, soon()); });
    pair.client = connect_tls(listener.endpoint(), options, soon());
    listener.join();
    REQUIRE(pair.server);
    return pair;
}

Ended run_program(const std::string& name, std::vector<std::string> arguments,
                  std::string_view input) {
    Command command;
    command.argv = std::move(arguments);
    command.argv.insert(command.argv.begin(), "/usr/bin/" + name);
    command.input = as_bytes(input);
    LinuxProcess process;
    const auto finished = process.run(command);
    REQUIRE_MESSAGE(finished, finished.error().text());
    return {finished->exit_status,
            std::string(as_text(finished->output)) + std::string(as_text(finished->errors))};
}

}  // namespace ratls::test
