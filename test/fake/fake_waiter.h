// Waits that are over at once: the pretended clock moves instead.
#pragma once

#include <algorithm>
#include <vector>

#include "ratls/platform/waiter.h"
#include "test/fake/fake_clock.h"

namespace ratls::test {

class FakeWaiter : public Waiter {
  public:
    explicit FakeWaiter(FakeClock& clock) : clock_(clock) {}

    void wait(std::chrono::milliseconds time) override {
        waits_.push_back(time);
        clock_.advance(std::max(time, std::chrono::milliseconds(0)));
    }
    /// What was waited for, in order.
    const std::vector<std::chrono::milliseconds>& waits() const { return waits_; }

  private:
    FakeClock& clock_;
    std::vector<std::chrono::milliseconds> waits_;
};

}  // namespace ratls::test
