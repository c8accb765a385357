#include "test/support/swtpm.h"

#include <poll.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>

#include "ratls/base/writer.h"
#include "ratls/evidence/tpm/algorithm.h"
#include "ratls/platform/descriptor.h"

namespace ratls::test {
namespace {

constexpr unsigned kAttempts = 20;
constexpr std::uint16_t kNoSessions = 0x8001;  // TPM_ST
constexpr std::uint16_t kSessions = 0x8002;
constexpr std::uint32_t kPcrExtend = 0x182;  // TPM_CC
constexpr std::uint32_t kShutdown = 0x145;
constexpr std::uint32_t kGetRandom = 0x17b;
constexpr std::uint32_t kPassword = 0x40000009;  // TPM_RS_PW

/// Sends a command and says whether a TPM carried it out.
bool transact(unsigned port, std::uint16_t tag, std::uint32_t code, ByteView parameters) {
    const Descriptor socket(connect_to(port));
    const Bytes command = Writer()
                              .u16_be(tag)
                              .u32_be(static_cast<std::uint32_t>(10 + parameters.size()))
                              .u32_be(code)
                              .bytes(parameters)
                              .take();
    if (socket.get() < 0 || ::send(socket.get(), command.data(), command.size(), MSG_NOSIGNAL) !=
                                static_cast<ssize_t>(command.size())) {
        return false;
    }
    pollfd event{socket.get(), POLLIN, 0};
    std::array<std::uint8_t, 1024> reply{};  // tag, size, response code, ...
    return ::poll(&event, 1, 2000) == 1 &&
           ::recv(socket.get(), reply.data(), reply.size(), 0) >= 10 && reply[0] == tag >> 8 &&
           reply[1] == (tag & 0xff) && all_zero(ByteView(reply).subspan(6, 4));
}

/// The control port must be there too, or the data port is a stranger's.
bool answers(unsigned port) {
    return Descriptor(connect_to(port + 1)).get() >= 0 &&
           transact(port, kNoSessions, kGetRandom, Writer().u16_be(1).view());
}

std::string server_option(unsigned port) {
    return "type=tcp,bindaddr=127.0.0.1,port=" + std::to_string(port);
}

}  // namespace

TpmMaker::TpmMaker() {
    const auto write = [this](const std::string& name, const std::string& text) {
        std::ofstream(folder_ / name) << text;
    };
    write("localca.conf",
          "statedir = " + folder_.path() + "\nsigningkey = " + (folder_ / "signkey.pem") +
              "\nissuercert = " + ca_file() + "\ncertserial = " + (folder_ / "certserial") + "\n");
    write("localca.options",
          "--platform-manufacturer test\n--platform-version 1\n--platform-model test\n");
    write("setup.conf", "create_certs_tool = /usr/bin/swtpm_localca\ncreate_certs_tool_config = " +
                            (folder_ / "localca.conf") + "\ncreate_certs_tool_options = " +
                            (folder_ / "localca.options") + "\n");
}

void TpmMaker::make(const std::string& state_folder) const {
    constexpr int kMostMs = 60'000;
    Child setup({"swtpm_setup", "--tpm2", "--tpmstate", state_folder, "--create-ek-cert",
                 "--config", folder_ / "setup.conf", "--logfile", folder_ / "setup.log"},
                folder_ / "setup.out");
    if (!wait_until([&] { return !setup.running(); }, kMostMs) ||
        !std::filesystem::exists(state_folder + "/tpm2-00.permall") ||
        !std::filesystem::exists(root_file())) {
        throw std::runtime_error("swtpm_setup failed; scripts/setup installs it");
    }
}

Swtpm::Swtpm() {
    start();
}

Swtpm::Swtpm(const TpmMaker& maker) {
    maker.make(state_.path());
    start();
}

std::string Swtpm::tcti() const {
    return "swtpm:host=127.0.0.1,port=" + std::to_string(port_);
}

void Swtpm::extend(unsigned pcr, HashAlg bank, ByteView digest) const {
    Writer authorization;  // no nonce, no attributes, empty password
    authorization.u32_be(kPassword).u16_be(0).u8(0).u16_be(0);
    Writer parameters;
    parameters.u32_be(pcr).u32_be(static_cast<std::uint32_t>(authorization.size()));
    parameters.bytes(authorization.view()).u32_be(1).u16_be(tpm::hash_id(bank)).bytes(digest);
    if (!transact(port_, kSessions, kPcrExtend, parameters.view())) {
        throw std::runtime_error("TPM2_PCR_Extend failed");
    }
}

void Swtpm::reboot() {
    // As an operating system does it: without, the clock of the TPM is not "safe" afterwards.
    if (!transact(port_, kNoSessions, kShutdown, Writer().u16_be(0).view())) {
        throw std::runtime_error("TPM2_Shutdown(TPM_SU_CLEAR) failed");
    }
    process_.stop();
    start();
}

void Swtpm::start() {
    for (unsigned i = 0; i < kAttempts; ++i) {  // somebody may take a port after we found it free
        port_ = free_port(1);
        process_ = Child({"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + state_.path(),
                          "--server", server_option(port_), "--ctrl", server_option(port_ + 1),
                          "--flags", "not-need-init,startup-clear"},
                         state_ / "swtpm.log");
        if (wait_until([this] { return answers(port_) || !process_.running(); }) &&
            process_.running()) {
            return;
        }
    }
    throw std::runtime_error("swtpm does not start; scripts/setup installs it");
}

}  // namespace ratls::test
