// Letting time pass, real or pretended.
#pragma once

#include <chrono>

namespace ratls {

/// Waits because somebody else asked for it, as a server or a firmware that wants to be asked
/// later. Calls block.
class Waiter {
  public:
    virtual ~Waiter() = default;

    /// Returns when at least this time has passed.
    virtual void wait(std::chrono::milliseconds time) = 0;
};

/// Waits on this machine.
class LinuxWaiter : public Waiter {
  public:
    void wait(std::chrono::milliseconds time) override;
};

}  // namespace ratls
