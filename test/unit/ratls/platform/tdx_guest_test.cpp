#include <sys/socket.h>

#include "ratls/codec/hex.h"
#include "test/fake/fake_files.h"
#include "test/fake/fake_tdx_guest.h"
#include "test/unit/ratls/platform/quote_contract.h"

using namespace ratls;
using namespace ratls::test;

namespace {

/// A pretended TDX guest with its host, and what asks it.
struct Machine {
    FakeFiles files;
    FakeQgs service;
    FakeTdxGuest* device = new FakeTdxGuest;  // the provider owns it
    TdxGuestQuoteProvider provider{std::unique_ptr<Device>(device), files, service.connector()};

    Result<TeeQuote> quote() { return provider.quote(question()); }
};

/// A connected pair of sockets, the second for the test.
std::pair<Descriptor, Descriptor> socket_pair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

}  // namespace

TEST_CASE("platform.tdx_guest: the provider keeps the contract") {
    Machine machine;
    QuoteProviderUnderTest under_test{
        machine.provider,
        "tdx_guest",
        FakeQgs::kReportDataAt,
        [&] { machine.device->failure = Code::unavailable; },
        [&] { machine.device->failure = Code::io; },
        [&] { machine.device->failure = Code::unsupported; },
    };
    check_quote_contract(under_test);
}

TEST_CASE("platform.tdx_guest: the request is that of the message library, byte by byte") {
    Machine machine;
    REQUIRE(machine.quote());
    REQUIRE(machine.service.requests.size() == 1);
    CHECK(hex(machine.service.requests[0]) ==
          "00000418"  // length, big-endian
          "01000000"  // major and minor version
          "00000000"  // GET_QUOTE_REQ
          "18040000"  // size
          "00000000"  // error code
          "00040000"  // report size
          "00000000"  // id list size
              + hex(FakeTdxGuest::td_report(question())));
}

TEST_CASE("platform.tdx_guest: the service is at CID 2, at the port of the configuration") {
    Machine machine;
    const auto port = [&] {
        REQUIRE(machine.quote());
        CHECK(machine.service.connections.back().first == 2);
        return machine.service.connections.back().second;
    };
    CHECK(port() == 4050);
    machine.files.put("/etc/tdx-attest.conf", "# QGS\n port = 5000 # ours\n");
    CHECK(port() == 5000);
    machine.files.put("/etc/tdx-attest.conf", "port = x\n");
    CHECK(code_of(machine.quote()) == Code::malformed);
    machine.files.break_path("/etc/tdx-attest.conf", Code::denied);
    CHECK(code_of(machine.quote()) == Code::denied);
}

TEST_CASE("platform.tdx_guest: a service that is not there or says nothing is unavailable") {
    Machine machine;
    SUBCASE("no connection") {
        machine.service.refuses = Code::unavailable;
    }
    SUBCASE("silence") {
        machine.service.silent_after = 0;
    }
    SUBCASE("silence in the frame") {
        machine.service.silent_after = 3;
    }
    SUBCASE("silence in the message") {
        machine.service.silent_after = 100;
    }
    SUBCASE("an end in the frame") {
        machine.service.ends_after = 2;
    }
    SUBCASE("an end in the message") {
        machine.service.ends_after = 30;
    }
    const auto quote = machine.quote();
    CHECK(code_of(quote) == Code::unavailable);
    CHECK(quote.error().where.starts_with("quote generation service: "));
}

TEST_CASE("platform.tdx_guest: a length that makes no sense is refused before anything is read") {
    for (const std::uint32_t length : {17U * 1024U + 1U, 0x7fff'ffffU, 0xffff'ffffU}) {
        Machine machine;
        machine.service.length = length;
        machine.service.silent_after = 4;
        CHECK(code_of(machine.quote()) == Code::too_large);
    }
    Machine machine;
    machine.service.length = 0;
    CHECK(code_of(machine.quote()) == Code::malformed);
}

TEST_CASE("platform.tdx_guest: an error of the service is handed on") {
    Machine machine;
    machine.service.change = [](Bytes& answer) { answer[12] = 0x07; };
    const auto quote = machine.quote();
    CHECK(code_of(quote) == Code::io);
    CHECK(quote.error().text() ==
          "quote generation service: qgs.response: error_code: the service says error 0x00000007");
}

TEST_CASE("platform.tdx_guest: a report on another question is not sent") {
    Machine machine;
    machine.device->stale = true;
    CHECK(code_of(machine.quote()) == Code::malformed);
    CHECK(machine.service.requests.empty());
}

TEST_CASE("platform.stream: what one side writes, the other reads") {
    auto [ours, theirs] = socket_pair();
    SocketStream one(std::move(ours), std::chrono::seconds(10));
    SocketStream other(std::move(theirs), std::chrono::seconds(10));
    REQUIRE(one.connected());
    REQUIRE(one.write(Bytes{1, 2, 3}));
    REQUIRE(one.write(Bytes{4}));
    Bytes got(4);
    REQUIRE(other.read(got));
    CHECK(got == Bytes{1, 2, 3, 4});
    REQUIRE(other.read({}));
}

TEST_CASE("platform.stream: an end before all was read is unavailable") {
    auto [ours, theirs] = socket_pair();
    SocketStream one(std::move(ours), std::chrono::seconds(10));
    REQUIRE(::send(theirs.get(), "ab", 2, 0) == 2);
    theirs.reset();
    Bytes got(3);
    CHECK(code_of(one.read(got)) == Code::unavailable);
    CHECK(code_of(one.write(Bytes(1))) == Code::unavailable);  // and no signal ends us
}

TEST_CASE("platform.stream: silence is waited for until the deadline") {
    auto [ours, theirs] = socket_pair();
    SocketStream one(std::move(ours), std::chrono::milliseconds(50));
    REQUIRE(::send(theirs.get(), "ab", 2, 0) == 2);
    Bytes got(3);
    CHECK(code_of(one.read(got)) == Code::unavailable);
    CHECK(code_of(one.write(Bytes(1))) == Code::unavailable);
}

TEST_CASE("platform.stream: a write that nobody takes ends at the deadline") {
    auto [ours, theirs] = socket_pair();
    SocketStream one(std::move(ours), std::chrono::milliseconds(50));
    CHECK(code_of(one.write(Bytes(64 << 20))) == Code::unavailable);
}

TEST_CASE("platform.stream: a port where nobody listens is unavailable") {
    // CID 1 is this machine, if its kernel can do that at all.
    CHECK(code_of(connect_vsock(1, 1, std::chrono::seconds(5))) == Code::unavailable);
}
