// What any QuoteProvider does.
#pragma once

#include <functional>

#include "ratls/platform/quote_provider.h"
#include "test/unit/ratls/platform/files_contract.h"

namespace ratls::test {

inline std::array<std::uint8_t, 64> question(std::uint8_t fill = 0x42) {
    std::array<std::uint8_t, 64> out{};
    out.fill(fill);
    return out;
}

struct QuoteProviderUnderTest {
    QuoteProvider& provider;
    std::string kind;
    std::size_t report_data_at;           ///< offset in the report or quote
    std::function<void()> stay_busy;      ///< from now on
    std::function<void()> firmware_fail;  ///< from now on
    std::function<void()> know_nothing;   ///< from now on, another kind of TEE; may be null
};

inline void check_quote_contract(QuoteProviderUnderTest& under_test) {
    QuoteProvider& provider = under_test.provider;
    const auto answer = [&](const std::array<std::uint8_t, 64>& data) {
        const auto quote = provider.quote(data);
        REQUIRE_MESSAGE(quote, (quote ? "" : quote.error().text()));
        CHECK(quote->kind == under_test.kind);
        REQUIRE(quote->report.size() >= under_test.report_data_at + 64);
        CHECK(equal(ByteView(quote->report).subspan(under_test.report_data_at, 64), data));
        return quote->report;
    };

    SUBCASE("the question comes back in the evidence, byte by byte") {
        std::array<std::uint8_t, 64> counted{};
        for (std::size_t i = 0; i < counted.size(); ++i) {
            counted[i] = static_cast<std::uint8_t>(i + 1);
        }
        answer(counted);
        answer({});
    }
    SUBCASE("another question gives other evidence") {
        const Bytes first = answer(question(1));
        CHECK(answer(question(2)) != first);
        answer(question(1));
    }
    SUBCASE("a TEE that stays busy is unavailable") {
        under_test.stay_busy();
        CHECK(code_of(provider.quote(question())) == Code::unavailable);
    }
    SUBCASE("a TEE that fails is a failure of the device") {
        under_test.firmware_fail();
        CHECK(code_of(provider.quote(question())) == Code::io);
    }
    SUBCASE("a TEE that we do not know is unsupported") {
        if (under_test.know_nothing) {
            under_test.know_nothing();
            CHECK(code_of(provider.quote(question())) == Code::unsupported);
        }
    }
}

}  // namespace ratls::test
