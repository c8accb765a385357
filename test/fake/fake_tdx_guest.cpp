#include "test/fake/fake_tdx_guest.h"

#include "ratls/base/writer.h"
#include "ratls/crypto/hash.h"
#include "ratls/evidence/dcap/qgs.h"

namespace ratls::test {
namespace {

constexpr std::size_t kFrame = 4;
constexpr std::size_t kRequestHeader = 24;

class FakeQgsStream : public Stream {
  public:
    explicit FakeQgsStream(FakeQgs& service) : service_(service) {}

    Status write(ByteView bytes) override {
        append(request_, bytes);
        if (request_.size() == kFrame + kRequestHeader + dcap::kTdReportSize) {
            service_.requests.push_back(request_);
            respond(FakeQgs::answer(ByteView(request_).last(dcap::kTdReportSize)));
        }
        return {};
    }

    Status read(std::span<std::uint8_t> out) override {
        for (std::uint8_t& byte : out) {
            if (at_ == service_.silent_after) {
                return fail(Code::unavailable, "socket", "no answer in time");
            }
            if (at_ >= response_.size() || at_ == service_.ends_after) {
                return fail(Code::unavailable, "socket", "the other side ended");
            }
            byte = response_[at_++];
        }
        return {};
    }

  private:
    void respond(Bytes message) {
        if (service_.change) {
            service_.change(message);
        }
        const auto size = static_cast<std::uint32_t>(message.size());
        response_ = Writer().u32_be(service_.length.value_or(size)).bytes(message).take();
    }

    FakeQgs& service_;
    Bytes request_, response_;
    std::size_t at_ = 0;
};

}  // namespace

Result<int> FakeTdxGuest::ioctl(unsigned long request, std::span<std::uint8_t> argument) {
    if (request != TdxGuestQuoteProvider::kGetReport || argument.size() != 64 + 1024) {
        return fail(Code::unsupported, "fake tdx-guest", "Inappropriate ioctl for device");
    }
    if (failure) {
        return fail(*failure, "fake tdx-guest", "failed on purpose");
    }
    const Bytes report = td_report(stale ? Bytes(64, 0xee) : to_bytes(argument.first(64)));
    std::ranges::copy(report, argument.subspan(64).begin());
    return 0;
}

Bytes FakeTdxGuest::td_report(ByteView report_data) {
    Writer out;
    out.u8(0x81).zeros(dcap::kTdReportDataAt - 1).bytes(report_data);  // TEE type TDX
    return out.zeros(dcap::kTdReportSize - out.size()).take();
}

ConnectVsock FakeQgs::connector() {
    return [this](std::uint32_t cid, std::uint32_t port,
                  std::chrono::milliseconds) -> Result<std::unique_ptr<Stream>> {
        connections.emplace_back(cid, port);
        if (refuses) {
            return fail(*refuses, "fake vsock", "refused on purpose");
        }
        return std::make_unique<FakeQgsStream>(*this);
    };
}

/// Header and body are those of a quote of version 4; what would be signed is a digest instead.
Bytes FakeQgs::answer(ByteView td_report) {
    Writer quote;
    quote.u16_le(4).u16_le(2).u32_le(0x81).zeros(40).zeros(520);
    quote.bytes(td_report.subspan(dcap::kTdReportDataAt, 64)).u32_le(32).bytes(sha256(td_report));
    const auto size = static_cast<std::uint32_t>(quote.size());
    return Writer()
        .u16_le(1)
        .u16_le(0)
        .u32_le(1)  // GET_QUOTE_RESP
        .u32_le(24 + size)
        .u32_le(0)
        .u32_le(0)  // selected_id_size
        .u32_le(size)
        .bytes(quote.view())
        .take();
}

}  // namespace ratls::test
