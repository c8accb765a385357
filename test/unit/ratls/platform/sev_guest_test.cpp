#include "ratls/base/writer.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/snp/cert_table.h"
#include "ratls/platform/quote_provider_sev.h"
#include "test/fake/fake_sev_guest.h"
#include "test/fake/fake_waiter.h"
#include "test/support/snp_pki.h"
#include "test/unit/ratls/platform/quote_contract.h"

using namespace ratls;
using namespace ratls::test;

namespace {

constexpr std::size_t kReportDataAt = 0x50;

/// /dev/sev-guest of a pretended machine, and what asks it.
struct Machine {
    PretendedTee tee{snp_pki_folder()};
    FakeClock clock;
    FakeWaiter waiter{clock};
    FakeSevGuest* device = new FakeSevGuest(tee);  // the provider owns it
    SevGuestQuoteProvider provider{std::unique_ptr<Device>(device), clock, waiter};

    Result<TeeQuote> quote() { return provider.quote(question()); }
};

/// The same for what is no quote.
struct KeyMachine {
    PretendedTee tee{snp_pki_folder()};
    FakeClock clock;
    FakeWaiter waiter{clock};
    FakeSevGuest* device = new FakeSevGuest(tee);
    SevGuest guest{std::unique_ptr<Device>(device), clock, waiter};
};

Bytes report_request(unsigned vmpl) {
    Bytes out(96, 0x42);  // user_data, then vmpl and zeros
    std::ranges::fill(out.begin() + 64, out.end(), std::uint8_t{0});
    out[64] = static_cast<std::uint8_t>(vmpl);
    return out;
}

}  // namespace

TEST_CASE("platform.sev_guest: the provider keeps the contract") {
    Machine machine;
    QuoteProviderUnderTest under_test{
        machine.provider,
        "sev_guest",
        kReportDataAt,
        [&] { machine.device->busy = 1000; },
        [&] { machine.device->exitinfo2 = 0x13; },
        [&] { machine.device->failure = Code::unsupported; },
    };
    check_quote_contract(under_test);
}

TEST_CASE("platform.sev_guest: a quote has the certificates of the host") {
    Machine machine;
    const auto quote = machine.quote();
    REQUIRE(quote);
    const auto table = snp::parse_cert_table(quote->aux);
    REQUIRE(table);
    CHECK(*table ==
          snp::CertTable{{snp::kGuidAsk, machine.tee.ask()}, {snp::kGuidVcek, machine.tee.vcek()}});
}

TEST_CASE("platform.sev_guest: the requests are those of the kernel's header, byte by byte") {
    Machine machine;
    REQUIRE(machine.quote());
    const auto& seen = machine.device->seen();
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].request == 0xc0205302);
    CHECK(seen[0].message_version == 1);
    // user_data, vmpl and its zeros, certs_address, certs_len and the padding behind it.
    CHECK(hex(seen[0].bytes) == hex(report_request(0)) + std::string(32, '0'));
    REQUIRE(seen[1].bytes.size() == 112);
    CHECK(equal(ByteView(seen[1].bytes).first(96), report_request(0)));
    CHECK_FALSE(all_zero(ByteView(seen[1].bytes).subspan(96, 8)));
    const std::size_t pages = (machine.tee.cert_table().size() + 4095) / 4096;
    CHECK(equal(ByteView(seen[1].bytes).subspan(104),
                Writer().u32_le(static_cast<std::uint32_t>(pages * 4096)).u32_le(0).view()));
}

TEST_CASE("platform.sev_guest: the plain request has no room for certificates") {
    Machine machine;
    machine.device->no_extended = true;
    const auto quote = machine.quote();
    REQUIRE(quote);
    CHECK(quote->aux.empty());
    REQUIRE(machine.device->seen().size() == 1);
    CHECK(machine.device->seen()[0].request == 0xc0205300);
    CHECK(machine.device->seen()[0].bytes == report_request(0));
}

TEST_CASE("platform.sev_guest: the privilege level asked for is in the request and the report") {
    Machine machine;
    auto* device = new FakeSevGuest(machine.tee);
    SevGuestQuoteProvider provider(std::unique_ptr<Device>(device), machine.clock, machine.waiter,
                                   3);
    const auto quote = provider.quote(question());
    REQUIRE(quote);
    CHECK(quote->report[0x30] == 3);
    CHECK(device->seen()[0].bytes[64] == 3);
    SevGuestQuoteProvider wrong(std::make_unique<FakeSevGuest>(machine.tee), machine.clock,
                                machine.waiter, 4);
    CHECK(code_of(wrong.quote(question())) == Code::usage);
}

TEST_CASE("platform.sev_guest: a host without certificates gives an empty table") {
    Machine machine;
    machine.device->no_certificates = true;
    const auto quote = machine.quote();
    REQUIRE(quote);
    CHECK(quote->aux.empty());
    CHECK(machine.device->seen().size() == 1);
}

TEST_CASE("platform.sev_guest: an ioctl that succeeds with an error inside is no success") {
    Machine machine;
    machine.device->silent = true;
    SUBCASE("the length of the certificates") {
        const auto quote = machine.quote();
        REQUIRE(quote);
        CHECK_FALSE(quote->aux.empty());
    }
    SUBCASE("an error of the firmware") {
        machine.device->exitinfo2 = 0x16;
        const auto quote = machine.quote();
        CHECK(code_of(quote) == Code::io);
        CHECK(quote.error().text() == "sev-guest: the firmware says error 0x00000016");
    }
    SUBCASE("an error of the host") {
        machine.device->exitinfo2 = std::uint64_t{7} << 32;
        CHECK(machine.quote().error().text() == "sev-guest: the host says error 0x00000007");
    }
}

TEST_CASE("platform.sev_guest: the request of each retry is the same, and the pauses grow") {
    Machine machine;
    machine.device->no_certificates = true;
    machine.device->busy = 7;
    CHECK(machine.quote());
    const auto& seen = machine.device->seen();
    REQUIRE(seen.size() == 8);
    for (const FakeSevGuest::Seen& one : seen) {
        CHECK(one.bytes == seen[0].bytes);
        CHECK(one.request == seen[0].request);
    }
    std::vector<std::chrono::milliseconds> pauses;
    for (const int pause : {100, 200, 400, 800, 1600, 2000, 2000}) {
        pauses.emplace_back(pause);
    }
    CHECK(machine.waiter.waits() == pauses);
}

TEST_CASE("platform.sev_guest: a host that stays busy is given up after half a minute") {
    Machine machine;
    machine.device->busy = 1000;
    CHECK(code_of(machine.quote()) == Code::unavailable);
    CHECK(machine.clock.monotonic() <= SevGuest::kBusyLimit);
    CHECK(machine.clock.monotonic() >= std::chrono::seconds(25));
}

TEST_CASE("platform.sev_guest: certificates that grow between the calls are asked for again") {
    Machine machine;
    machine.device->growths = 1;
    SUBCASE("once") {
        machine.device->growths = 2;  // the first is the page that the table has anyway
        const auto quote = machine.quote();
        REQUIRE(quote);
        CHECK(machine.device->seen().size() >= 3);
    }
    SUBCASE("without end, the report comes without them") {
        machine.device->growths = 1000;
        const auto quote = machine.quote();
        REQUIRE(quote);
        CHECK(quote->aux.empty());
        CHECK(machine.device->seen().back().request == sev_guest::kGetReport);
        CHECK(machine.device->seen().size() <= 4);
    }
}

TEST_CASE("platform.sev_guest: a length that makes no sense costs the certificates only") {
    for (const std::uint32_t length : {0U, 1U, 4095U, 4097U, 68U * 1024U, 0xffff'f000U}) {
        CAPTURE(length);
        Machine machine;
        machine.device->wanted_length = length;
        const auto quote = machine.quote();
        REQUIRE(quote);
        CHECK(quote->aux.empty());
        CHECK(machine.device->seen().size() == 2);
    }
}

TEST_CASE("platform.sev_guest: answers that are none are refused") {
    Machine machine;
    SUBCASE("a status") {
        machine.device->status = 0x16;
        const auto quote = machine.quote();
        CHECK(code_of(quote) == Code::io);
        CHECK(quote.error().text().find("0x16 (invalid parameters)") != std::string::npos);
    }
    SUBCASE("another size") {
        for (const std::uint32_t size :
             {0U, 1183U, 1185U, 4000U - 32U, 4000U - 31U, 0xffff'ffffU}) {
            CAPTURE(size);
            machine.device->report_size = size;
            CHECK(code_of(machine.quote()) == Code::malformed);
        }
    }
    SUBCASE("nothing at all") {
        machine.device->writes_nothing = true;
        CHECK(code_of(machine.quote()) == Code::malformed);
    }
}

TEST_CASE("platform.sev_guest: a derived key is another one for another request") {
    KeyMachine machine;
    const auto key = [&](const snp::KeyRequest& request) {
        const auto secret = machine.guest.derived_key(request);
        REQUIRE_MESSAGE(secret, (secret ? "" : secret.error().text()));
        CHECK(secret->reveal().size() == 32);
        return hex(secret->reveal());
    };
    const snp::KeyRequest request{.fields = {.measurement = true}};
    CHECK(key(request) == key(request));
    CHECK(key(request) != key({.fields = {.guest_policy = true}}));
    const auto& seen = machine.device->seen();
    CHECK(seen[0].request == 0xc0205301);
    CHECK(seen[0].message_version == 1);
    CHECK(seen[0].bytes == snp::encode_key_request(request));
}

TEST_CASE("platform.sev_guest: only the mitigation vector needs the second message version") {
    KeyMachine machine;
    const snp::KeyRequest request{.fields = {.launch_mit_vector = true}, .launch_mit_vector = 5};
    REQUIRE(machine.guest.derived_key(request));
    CHECK(machine.device->seen()[0].message_version == 2);
    CHECK(machine.device->seen()[0].bytes.size() == 40);
    CHECK(machine.device->seen()[0].bytes == snp::encode_key_request(request));
}

TEST_CASE("platform.sev_guest: a key that is none is refused, and nothing of it is shown") {
    KeyMachine machine;
    SUBCASE("a status") {
        machine.device->status = 0x27;
        const auto key = machine.guest.derived_key({});
        CHECK(code_of(key) == Code::io);
        CHECK(key.error().text().find("0x27 (no such key)") != std::string::npos);
    }
    SUBCASE("nothing written") {
        machine.device->writes_nothing = true;
        CHECK(code_of(machine.guest.derived_key({})) == Code::malformed);
    }
    SUBCASE("a busy host") {
        machine.device->busy = 1000;
        CHECK(code_of(machine.guest.derived_key({})) == Code::unavailable);
    }
    SUBCASE("a length refused where there is none") {
        machine.device->exitinfo2 = std::uint64_t{1} << 32;
        CHECK(code_of(machine.guest.derived_key({})) == Code::malformed);
    }
    SUBCASE("a firmware that says no, and a system that says why") {
        machine.device->exitinfo2 = 0xffff'ffff;
        const auto key = machine.guest.derived_key({});
        CHECK(code_of(key) == Code::io);
        CHECK(key.error().what.find("Input/output error") != std::string::npos);
    }
}

TEST_CASE("platform.sev_guest: a machine without the device is unavailable") {
    CHECK(code_of(open_linux_device("/no/such/device")) == Code::unavailable);
}

TEST_CASE("platform.device: what is no such device does not know the request") {
    auto null = open_linux_device("/dev/null");
    REQUIRE(null);
    std::array<std::uint8_t, 32> argument{};
    CHECK(code_of((*null)->ioctl(sev_guest::kGetReport, argument)) == Code::unsupported);
    FakeClock clock;
    FakeWaiter waiter(clock);
    SevGuestQuoteProvider provider(*std::move(null), clock, waiter);
    CHECK(code_of(provider.quote(question())) == Code::unsupported);
}
