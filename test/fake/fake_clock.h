// A clock that stands still until it is told otherwise.
#pragma once

#include "ratls/platform/clock.h"

namespace ratls::test {

class FakeClock : public Clock {
  public:
    explicit FakeClock(UnixTime now = 1'750'000'000) : now_(now) {}

    UnixTime now() const override { return now_; }
    std::chrono::milliseconds monotonic() const override { return monotonic_; }
    void wait(std::chrono::milliseconds time) const override { pass(time); }

    /// Time passes, on both clocks.
    void advance(std::chrono::milliseconds time) { pass(time); }
    /// Somebody sets the time of day.
    void set(UnixTime now) { now_ = now; }

  private:
    void pass(std::chrono::milliseconds time) const {
        monotonic_ += time;
        now_ += std::chrono::duration_cast<std::chrono::seconds>(time).count();
    }

    mutable UnixTime now_;  // time passes for somebody who only looks at the clock, too
    mutable std::chrono::milliseconds monotonic_{0};
};

}  // namespace ratls::test
