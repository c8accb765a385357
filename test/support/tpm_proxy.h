// Stands between a client and swtpm, and changes what they say.
#pragma once

#include <functional>
#include <thread>

#include "ratls/base/bytes.h"
#include "ratls/platform/descriptor.h"
#include "test/support/swtpm.h"

namespace ratls::test {

class TpmProxy {
  public:
    /// `before` sees each command, and may do something to the TPM; `after` may change the reply.
    /// The code is TPM_CC of the command. Both run in the thread of the proxy.
    using Before = std::function<void(std::uint32_t code)>;
    using After = std::function<void(std::uint32_t code, Bytes& reply)>;

    TpmProxy(const Swtpm& swtpm, Before before, After after);
    TpmProxy(const TpmProxy&) = delete;
    TpmProxy& operator=(const TpmProxy&) = delete;
    ~TpmProxy();

    std::string tcti() const { return "swtpm:host=127.0.0.1,port=" + std::to_string(port_); }

  private:
    void serve_commands();
    void serve_control();

    unsigned swtpm_port_;
    Before before_;
    After after_;
    unsigned port_ = 0;
    Descriptor commands_;
    Descriptor control_;
    std::thread command_thread_;
    std::thread control_thread_;
};

}  // namespace ratls::test
