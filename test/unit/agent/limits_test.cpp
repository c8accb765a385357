// The bounds on what uses the TPM.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "agent/token_bucket.h"
#include "agent/turns.h"
#include "test/support/child.h"

using namespace ratls::agent;
using namespace ratls::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

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
        auto first = turns.wait();
        REQUIRE(first);
        std::vector<std::jthread> waiting;
        for (int i = 0; i < 2; ++i) {
            waiting.emplace_back([&] {
                const auto turn = turns.wait();
                CHECK(turn.has_value());
                CHECK(++inside == 1);
                --inside;
                ++served;
            });
        }
        REQUIRE(wait_until([&] { return turns.waiting() == 2; }));
        CHECK_FALSE(turns.wait());  // at once
        CHECK(served == 0);
        first.reset();
    }
    CHECK(served == 2);
    CHECK(turns.wait());
}

TEST_CASE("agent.limits: the renewal goes before all who wait, and never is refused") {
    Turns turns(3);
    std::vector<char> order;
    {
        auto first = turns.wait();
        std::vector<std::jthread> waiting;
        for (int i = 0; i < 3; ++i) {
            waiting.emplace_back([&] {
                const auto turn = turns.wait();
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
