#include "ratls/collect/find_tee.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/crypto/random.h"
#include "ratls/evidence/hcl/report.h"
#include "ratls/platform/quote_provider_azure.h"
#include "ratls/platform/quote_provider_sev.h"
#include "ratls/platform/quote_provider_tdx.h"
#include "ratls/platform/quote_provider_tsm.h"

namespace ratls {
namespace {

constexpr std::size_t kMaxAttribute = 4096;

/// A provider and what was seen, or why there is none.
struct Opened {
    std::unique_ptr<QuoteProvider> provider;
    std::string seen;
};

/// The directory is there without a TEE, too; only an entry shows that a driver stands behind it.
Result<std::string> tsm_driver(Files& files, const std::string& directory) {
    const std::string entry = directory + "/ratls-" + hex(random_array<8>());
    RATLS_CHECK(files.make_directory(entry));
    auto provider = files.read(entry + "/provider", kMaxAttribute);
    RATLS_CHECK(files.remove_directory(entry));
    if (!provider) {
        return std::unexpected(std::move(provider).error());
    }
    const std::string_view name = as_text(*provider);
    return std::string(name.substr(0, name.find('\n')));
}

Result<Opened> open_tsm(const TeePaths& paths, const TeePlatform& platform) {
    RATLS_TRY(const std::string driver, tsm_driver(platform.tsm_files, paths.tsm));
    if (driver != "sev_guest" && driver != "tdx_guest") {
        return fail(Code::unsupported, paths.tsm, "this version does not know " + quoted(driver));
    }
    return Opened{std::make_unique<TsmQuoteProvider>(platform.tsm_files, paths.tsm),
                  driver + " in " + paths.tsm};
}

Result<Opened> open_sev_guest(const TeePaths& paths, const TeePlatform& platform) {
    RATLS_TRY(std::unique_ptr<Device> device, platform.open_device(paths.sev_guest));
    return Opened{
        std::make_unique<SevGuestQuoteProvider>(std::move(device), platform.clock, platform.waiter),
        paths.sev_guest};
}

Result<Opened> open_tdx_guest(const TeePaths& paths, const TeePlatform& platform) {
    RATLS_TRY(std::unique_ptr<Device> device, platform.open_device(paths.tdx_guest));
    return Opened{std::make_unique<TdxGuestQuoteProvider>(std::move(device), platform.files,
                                                          platform.connect_vsock),
                  paths.tdx_guest};
}

Result<Opened> open_azure(const TeePlatform& platform) {
    if (platform.tpm == nullptr || platform.http == nullptr) {
        return fail(Code::unavailable, "azure",
                    platform.tpm == nullptr ? "no TPM is configured" : "no HTTP client is given");
    }
    RATLS_TRY(const Bytes raw, platform.tpm->read_nv(AzureQuoteProvider::kReportIndex));
    RATLS_TRY(const hcl::Report report, hcl::parse_report(raw));
    return Opened{std::make_unique<AzureQuoteProvider>(*platform.tpm, *platform.http,
                                                       platform.clock, platform.waiter),
                  std::string(hcl::report_type_name(report.type)) +
                      " report of a paravisor in NV index 0x01400001"};
}

Result<Opened> open_way(TeeWay way, const TeePaths& paths, const TeePlatform& platform) {
    const std::string* path = way == TeeWay::tsm         ? &paths.tsm
                              : way == TeeWay::sev_guest ? &paths.sev_guest
                              : way == TeeWay::tdx_guest ? &paths.tdx_guest
                                                         : nullptr;
    if (path != nullptr && path->empty()) {
        return fail(Code::unavailable, std::string(tee_way_name(way)), "is not configured");
    }
    switch (way) {
        case TeeWay::tsm:
            return open_tsm(paths, platform);
        case TeeWay::sev_guest:
            return open_sev_guest(paths, platform);
        case TeeWay::tdx_guest:
            return open_tdx_guest(paths, platform);
        case TeeWay::azure:
            return open_azure(platform);
    }
    return fail(Code::internal, "tee", "no such way");
}

}  // namespace

std::string_view tee_way_name(TeeWay way) {
    switch (way) {
        case TeeWay::tsm:
            return "configfs-tsm";
        case TeeWay::sev_guest:
            return "sev-guest";
        case TeeWay::tdx_guest:
            return "tdx_guest";
        case TeeWay::azure:
            return "azure";
    }
    return "";
}

const TeeCandidate* FoundTee::used() const {
    const auto found = std::ranges::find(candidates, true, &TeeCandidate::usable);
    return found == candidates.end() ? nullptr : &*found;
}

FoundTee find_tee(const TeePaths& paths, const TeePlatform& platform) {
    FoundTee out;
    for (const TeeWay way : {TeeWay::tsm, TeeWay::sev_guest, TeeWay::tdx_guest, TeeWay::azure}) {
        if (out.provider) {
            out.candidates.push_back({way, false, "not looked at: the one before it is used"});
            continue;
        }
        auto opened = open_way(way, paths, platform);
        if (!opened) {
            out.candidates.push_back({way, false, opened.error().text()});
            continue;
        }
        out.candidates.push_back({way, true, std::move(opened->seen)});
        out.provider = std::move(opened->provider);
    }
    return out;
}

}  // namespace ratls
