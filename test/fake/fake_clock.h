// A clock that stands still until it is told otherwise.
#pragma once

#include "ratls/platform/clock.h"

namespace ratls::test {

class FakeClock : public Clock {
  public:
    explicit FakeClock(UnixTime now = 1'750'000'000) : now_(now) {}

    UnixTime now() const override { return now_; }
    std::chrono::milliseconds monotonic() const override { return monotonic_; }

    /// Time passes, on both clocks.
    void advance(std::chrono::milliseconds time) {
        monotonic_ += time;
        now_ += std::chrono::duration_cast<std::chrono::seconds>(time).count();
    }
    /// Somebody sets the time of day.
    void set(UnixTime now) { now_ = now; }

  private:
    UnixTime now_;
    std::chrono::milliseconds monotonic_{0};
};

}  // namespace ratls::test
