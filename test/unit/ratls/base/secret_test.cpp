#include "ratls/base/secret.h"

#include <doctest/doctest.h>

#include <type_traits>

using namespace ratls;

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);

TEST_CASE("base.secret: wiping overwrites every byte, and nothing is fine too") {
    Bytes bytes = {1, 2, 3};
    secure_wipe(bytes.data(), bytes.size());
    CHECK(all_zero(bytes));
    secure_wipe(nullptr, 0);
}

TEST_CASE("base.secret: it takes bytes over and moves them, leaving nothing behind") {
    Bytes bytes = {1, 2, 3};
    Secret first(std::move(bytes));
    CHECK(bytes.empty());  // NOLINT(bugprone-use-after-move): that it is empty is the point
    Secret second(std::move(first));
    CHECK(
        first.reveal().empty());  // NOLINT(bugprone-use-after-move): that it is empty is the point
    CHECK(equal(second.reveal(), Bytes{1, 2, 3}));
    Secret third(1);
    third = std::move(second);
    CHECK(
        second.reveal().empty());  // NOLINT(bugprone-use-after-move): that it is empty is the point
    CHECK(equal(third.reveal(), Bytes{1, 2, 3}));
    Secret& same = third;
    third = std::move(same);
    CHECK(equal(third.reveal(), Bytes{1, 2, 3}));
}

TEST_CASE("base.secret: a move keeps the bytes where they are, so that no copy is left") {
    Secret secret(Bytes(64, 0xaa));
    const std::uint8_t* memory = secret.reveal().data();
    const Secret holder(std::move(secret));
    CHECK(holder.reveal().data() == memory);
}
