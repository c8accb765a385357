// A device that is asked by ioctl, real or pretended.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls {

/// An open device. Calls block. Failures: `unsupported` when it does not know the request,
/// `unavailable` when it is busy or gone, `denied` without the permission, `io` otherwise. The text
/// gives the system's reason. The argument may have changed even if the call failed.
class Device {
  public:
    virtual ~Device() = default;

    /// Hands over `argument`, which has the size that the request demands. Addresses in it are
    /// those of this process.
    virtual Result<int> ioctl(unsigned long request, std::span<std::uint8_t> argument) = 0;
};

/// `unavailable` when there is no such device, `denied` without the permission.
using OpenDevice = std::function<Result<std::unique_ptr<Device>>(const std::string& path)>;

/// A device of this machine.
Result<std::unique_ptr<Device>> open_linux_device(const std::string& path);

}  // namespace ratls
