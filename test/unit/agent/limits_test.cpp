// The bounds on what uses the TPM.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "agent/held_bytes.h"
#include "agent/network_rates.h"
#include "agent/places.h"
#include "agent/token_bucket.h"
#include "agent/turns.h"
#include "test/support/child.h"

using namespace ratls::agent;
using namespace ratls::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr seconds kPatience{60};

}  // namespace

TEST_CASE("agent.limits: a bucket gives its burst, then one token after the other") {
    TokenBucket bucket(3, 60);
    const milliseconds start{1'000'000};
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(bucket.take(start));
    }
    CHECK(bucket.take(start) == seconds(1));
    CHECK(bucket.take(start + milliseconds(999)) == seconds(1));
    CHECK_FALSE(bucket.take(start + milliseconds(1000)));
    CHECK(bucket.take(start + milliseconds(1000)) == seconds(1));
    for (int i = 0; i < 3; ++i) {  // no more than the burst, however long nobody asked
        CHECK_FALSE(bucket.take(start + std::chrono::hours(1000)));
    }
    CHECK(bucket.take(start + std::chrono::hours(1000)));
}

TEST_CASE("agent.limits: the wait of a slow bucket is as long as it says") {
    TokenBucket bucket(1, 1);
    CHECK_FALSE(bucket.take(milliseconds(0)));
    CHECK(bucket.take(milliseconds(0)) == seconds(60));
    CHECK(bucket.take(milliseconds(59'001)) == seconds(1));
    CHECK(bucket.take(milliseconds(59'999)) == seconds(1));
    CHECK_FALSE(bucket.take(milliseconds(60'000)));
    CHECK(bucket.take(milliseconds(0)) == seconds(60));  // a clock that went back gives nothing
}

TEST_CASE("agent.limits: turns come one after the other, and only so many may wait") {
    Turns turns(2);
    std::atomic<int> served = 0;
    std::atomic<int> inside = 0;
    {
        auto first = turns.wait(kPatience);
        REQUIRE(first);
        std::vector<std::jthread> waiting;
        for (int i = 0; i < 2; ++i) {
            waiting.emplace_back([&] {
                const auto turn = turns.wait(kPatience);
                CHECK(turn.has_value());
                CHECK(++inside == 1);
                --inside;
                ++served;
            });
        }
        REQUIRE(wait_until([&] { return turns.waiting() == 2; }));
        CHECK_FALSE(turns.wait(kPatience));  // at once
        CHECK(served == 0);
        first.reset();
    }
    CHECK(served == 2);
    CHECK(turns.wait(kPatience));
}

TEST_CASE("agent.limits: nobody waits for ever for a turn that does not end") {
    Turns turns(2);
    CHECK(turns.busy_for() == milliseconds(0));
    auto first = turns.wait(kPatience);
    CHECK_FALSE(turns.wait(milliseconds(20)));
    CHECK(turns.busy_for() >= milliseconds(20));
    CHECK(turns.waiting() == 0);
    first.reset();
    CHECK(turns.wait(milliseconds(0)));
}

TEST_CASE("agent.limits: the renewal goes before all who wait, and never is refused") {
    Turns turns(3);
    std::vector<char> order;
    {
        auto first = turns.wait(kPatience);
        std::vector<std::jthread> waiting;
        for (int i = 0; i < 3; ++i) {
            waiting.emplace_back([&] {
                const auto turn = turns.wait(kPatience);
                order.push_back('r');
            });
        }
        REQUIRE(wait_until([&] { return turns.waiting() == 3; }));
        waiting.emplace_back([&] {
            const auto turn = turns.go_first();
            order.push_back('R');
        });
        REQUIRE(wait_until([&] { return turns.waiting() == 4; }));
        first.reset();
    }
    CHECK(order == std::vector<char>{'R', 'r', 'r', 'r'});
}

TEST_CASE("agent.limits: a token for what was not done comes back, and no more than the burst") {
    TokenBucket bucket(2, 60);
    CHECK(bucket.full(milliseconds(0)));
    CHECK_FALSE(bucket.take(milliseconds(0)));
    CHECK_FALSE(bucket.full(milliseconds(999)));
    CHECK(bucket.full(milliseconds(1000)));
    bucket.give_back();
    bucket.give_back();
    CHECK_FALSE(bucket.take(milliseconds(0)));
    CHECK_FALSE(bucket.take(milliseconds(0)));
    CHECK(bucket.take(milliseconds(0)));
}

TEST_CASE("agent.limits: each network has a rate of its own") {
    NetworkRates rates(1, 60);
    CHECK_FALSE(rates.take("192.0.2.1", milliseconds(0)));
    CHECK(rates.take("192.0.2.1", milliseconds(0)) == seconds(1));
    CHECK_FALSE(rates.take("192.0.2.2", milliseconds(0)));
    CHECK_FALSE(rates.take("192.0.2.1", milliseconds(1000)));
}

TEST_CASE("agent.limits: more networks than are remembered share a rate, until others are full") {
    NetworkRates rates(1, 60);
    const milliseconds start{10'000};
    for (std::size_t i = 0; i < NetworkRates::kMaxNetworks; ++i) {
        CHECK_FALSE(rates.take(std::to_string(i), start));
    }
    CHECK_FALSE(rates.take("one more", start));
    CHECK(rates.take("and another", start));
    CHECK(rates.take("0", start));
    // A second later all of them have their token again.
    CHECK_FALSE(rates.take("one more", start + seconds(1)));
    CHECK_FALSE(rates.take("and another", start + seconds(1)));
    CHECK(rates.take("and another", start + seconds(1)));
}

TEST_CASE("agent.limits: places are counted for each network, but not those of proxies") {
    Places places(2, {"192.0.2.9", "2001:db8::9"});
    const std::string wide = "2001:db8::/64";
    places.enter(wide);
    CHECK_FALSE(places.full("2001:db8::1", wide));
    places.enter(wide);
    CHECK(places.full("2001:db8::1", wide));
    CHECK(places.full("2001:db8::2", wide));
    CHECK_FALSE(places.full("2001:db8::9", wide));
    CHECK_FALSE(places.full("2001:db8:0:1::1", "2001:db8:0:1::/64"));
    CHECK_FALSE(places.full("192.0.2.9", "192.0.2.9"));
    places.leave(wide);
    CHECK_FALSE(places.full("2001:db8::1", wide));
    Places any(0, {});
    for (int i = 0; i < 1000; ++i) {
        any.enter("192.0.2.1");
    }
    CHECK_FALSE(any.full("192.0.2.1", "192.0.2.1"));
}

TEST_CASE("agent.limits: bytes are shared out, and come back with who had them") {
    HeldBytes bytes(10);
    auto first = bytes.take(6);
    CHECK(first);
    CHECK_FALSE(bytes.take(5));
    {
        const auto second = bytes.take(4);
        CHECK(second);
        CHECK_FALSE(bytes.take(1));
    }
    CHECK(bytes.take(4));
    first = {};
    CHECK(bytes.take(10));
    CHECK_FALSE(bytes.take(11));
    CHECK_FALSE(bytes.take(SIZE_MAX));
}
