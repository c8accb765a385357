#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "ratls/base/text.h"
#include "ratls/platform/descriptor.h"
#include "ratls/platform/device.h"
#include "ratls/platform/system_failure.h"

namespace ratls {
namespace {

class LinuxDevice : public Device {
  public:
    LinuxDevice(std::string path, Descriptor file)
        : path_(std::move(path)), file_(std::move(file)) {}

    Result<int> ioctl(unsigned long request, std::span<std::uint8_t> argument) override {
        int done = 0;
        do {
            done = ::ioctl(file_.get(), request, argument.data());
        } while (done < 0 && errno == EINTR);
        if (done < 0) {
            return system_failure(quoted(path_, 300), errno);
        }
        return done;
    }

  private:
    std::string path_;
    Descriptor file_;
};

}  // namespace

Result<std::unique_ptr<Device>> open_linux_device(const std::string& path) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (file.get() < 0) {
        return system_failure(quoted(path, 300), errno);
    }
    return std::make_unique<LinuxDevice>(path, std::move(file));
}

}  // namespace ratls
