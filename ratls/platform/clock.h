// The time, real or pretended.
#pragma once

#include <chrono>

#include "ratls/base/time.h"

namespace ratls {

/// Two clocks of this machine. Calls do not block and cannot fail; any thread may call.
class Clock {
  public:
    virtual ~Clock() = default;

    /// The time of day, as the machine believes it: it may jump, and the host may set it.
    virtual UnixTime now() const = 0;
    /// Time since some fixed moment; never goes back. For deadlines only. It counts while the
    /// machine is suspended, since a deadline is not put off by that.
    virtual std::chrono::milliseconds monotonic() const = 0;
};

/// The clocks of the kernel.
class LinuxClock : public Clock {
  public:
    UnixTime now() const override;
    std::chrono::milliseconds monotonic() const override;
};

}  // namespace ratls
