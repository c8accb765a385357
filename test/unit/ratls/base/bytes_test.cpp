#include "ratls/base/bytes.h"

#include <doctest/doctest.h>

using namespace ratls;

TEST_CASE("base.bytes: text and bytes view each other without a copy") {
    const std::string text = "a\xff";
    const ByteView view = as_bytes(text);
    REQUIRE(view.size() == 2);
    CHECK(view[1] == 0xff);
    CHECK(as_text(view) == text);
    CHECK(as_text({}).empty());
}

TEST_CASE("base.bytes: equality needs the same length and content") {
    const Bytes a = {1, 2, 3};
    CHECK(equal(a, Bytes{1, 2, 3}));
    CHECK_FALSE(equal(a, Bytes{1, 2}));
    CHECK_FALSE(equal(a, Bytes{1, 2, 4}));
    CHECK(equal(ByteView(), Bytes{}));
}

TEST_CASE("base.bytes: constant-time equality gives the same answers") {
    const Bytes a = {1, 2, 3};
    CHECK(equal_constant_time(a, Bytes{1, 2, 3}));
    CHECK_FALSE(equal_constant_time(a, Bytes{1, 2}));
    CHECK_FALSE(equal_constant_time(a, Bytes{0x81, 2, 3}));
    CHECK_FALSE(equal_constant_time(a, Bytes{1, 2, 0x83}));
    CHECK_FALSE(equal_constant_time(Bytes{1, 1}, Bytes{2, 2}));
    CHECK(equal_constant_time({}, {}));
}

TEST_CASE("base.bytes: all_zero looks at every byte") {
    CHECK(all_zero({}));
    CHECK(all_zero(Bytes{0, 0}));
    CHECK_FALSE(all_zero(Bytes{0, 1}));
    CHECK_FALSE(all_zero(Bytes{1, 0}));
}

TEST_CASE("base.bytes: append adds at the end") {
    Bytes out = {1};
    append(out, Bytes{2, 3});
    append(out, {});
    CHECK(out == Bytes{1, 2, 3});
}
