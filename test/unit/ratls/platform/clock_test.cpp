#include <doctest/doctest.h>

#include <ctime>

#include "test/fake/fake_waiter.h"
#include "test/support/child.h"

using namespace ratls;
using namespace ratls::test;

namespace {

/// `pass` makes at least two milliseconds pass, or says that they have.
void check_clock_contract(const Clock& clock, const std::function<void()>& pass) {
    const UnixTime now = clock.now();
    const auto before = clock.monotonic();
    pass();
    CHECK(clock.monotonic() >= before + std::chrono::milliseconds(2));
    CHECK(clock.now() >= now);
    CHECK(clock.now() <= now + 60);
}

void check_waiter_contract(Waiter& waiter, const Clock& clock) {
    const auto before = clock.monotonic();
    waiter.wait(std::chrono::milliseconds(2));
    CHECK(clock.monotonic() >= before + std::chrono::milliseconds(2));
    waiter.wait(std::chrono::milliseconds(0));
    waiter.wait(std::chrono::milliseconds(-1));  // it is over already
    CHECK(clock.monotonic() <= before + std::chrono::seconds(60));
}

}  // namespace

TEST_CASE("platform.clock: the clocks of this machine keep the contract") {
    const LinuxClock clock;
    check_clock_contract(clock, [&] {
        const auto from = clock.monotonic();
        wait_until([&] { return clock.monotonic() >= from + std::chrono::milliseconds(2); });
    });
}

TEST_CASE("platform.clock: the pretended clock keeps the contract") {
    FakeClock clock;
    check_clock_contract(clock, [&] { clock.advance(std::chrono::milliseconds(2)); });
}

TEST_CASE("platform.clock: the time of day is that of other programs") {
    const UnixTime theirs = std::time(nullptr);  // allowed: an independent counterpart
    CHECK(LinuxClock().now() >= theirs);
    CHECK(LinuxClock().now() <= theirs + 60);
}

TEST_CASE("platform.clock: the pretended clock stands still, advances and is set") {
    FakeClock clock(1000);
    CHECK(clock.now() == 1000);
    CHECK(clock.monotonic() == clock.monotonic());
    clock.advance(std::chrono::seconds(5));
    CHECK(clock.now() == 1005);
    CHECK(clock.monotonic() == std::chrono::seconds(5));
    clock.set(3);
    CHECK(clock.now() == 3);
    CHECK(clock.monotonic() == std::chrono::seconds(5));
}

TEST_CASE("platform.clock: a wait on this machine keeps the contract") {
    const LinuxClock clock;
    LinuxWaiter waiter;
    check_waiter_contract(waiter, clock);
}

TEST_CASE("platform.clock: a pretended wait keeps the contract") {
    FakeClock clock;
    FakeWaiter waiter(clock);
    check_waiter_contract(waiter, clock);
    CHECK(waiter.waits().size() == 3);
}
