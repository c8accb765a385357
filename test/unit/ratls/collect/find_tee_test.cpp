#include "ratls/collect/find_tee.h"

#include "ratls/platform/quote_provider_azure.h"
#include "test/fake/fake_azure.h"
#include "test/fake/fake_sev_guest.h"
#include "test/fake/fake_tdx_guest.h"
#include "test/fake/fake_tsm_files.h"
#include "test/fake/fake_waiter.h"
#include "test/support/snp_pki.h"
#include "test/unit/ratls/platform/quote_contract.h"

using namespace ratls;
using namespace ratls::test;

namespace {

/// A machine that has every TEE there is, until the test takes some away.
struct Machine {
    PretendedTee tee{snp_pki_folder()};
    FakeFiles files;
    FakeTsmFiles tsm{tee};
    FakeClock clock;
    FakeWaiter waiter{clock};
    FakeQgs service;
    FakeAzure azure{tee, hcl::ReportType::snp};
    std::vector<std::string> devices = {"/dev/sev-guest", "/dev/tdx_guest"};
    std::vector<std::string> opened;
    Code refusal = Code::unavailable;

    TeePlatform platform() {
        return {.files = files,
                .tsm_files = tsm,
                .clock = clock,
                .waiter = waiter,
                .open_device = [this](const std::string& path) { return open(path); },
                .connect_vsock = service.connector(),
                .tpm = &azure.tpm,
                .http = &azure.http};
    }
    FoundTee find(const TeePaths& paths = {}) { return find_tee(paths, platform()); }

    Result<std::unique_ptr<Device>> open(const std::string& path) {
        opened.push_back(path);
        if (std::ranges::find(devices, path) == devices.end()) {
            return fail(refusal, path, "refused on purpose");
        }
        if (path == "/dev/sev-guest") {
            return std::make_unique<FakeSevGuest>(tee);
        }
        return std::make_unique<FakeTdxGuest>();
    }
};

std::string kind_of(const FoundTee& found) {
    REQUIRE(found.provider);
    const auto quote = found.provider->quote(question());
    REQUIRE_MESSAGE(quote, (quote ? "" : quote.error().text()));
    return quote->kind;
}

std::string used(const FoundTee& found) {
    return found.used() != nullptr ? std::string(tee_way_name(found.used()->way)) : "none";
}

}  // namespace

TEST_CASE("collect.find_tee: the kernel's own interface comes first, then devices, then the TPM") {
    Machine machine;
    auto found = machine.find();
    CHECK(used(found) == "configfs-tsm");
    CHECK(kind_of(found) == "sev_guest");
    CHECK(machine.opened.empty());

    machine.tsm.no_provider = true;
    found = machine.find();
    CHECK(used(found) == "sev-guest");
    CHECK(kind_of(found) == "sev_guest");

    machine.devices = {"/dev/tdx_guest"};
    found = machine.find();
    CHECK(used(found) == "tdx_guest");
    CHECK(kind_of(found) == "tdx_guest");

    machine.devices = {};
    found = machine.find();
    CHECK(used(found) == "azure");
    CHECK(kind_of(found) == "azure_snp");
}

TEST_CASE("collect.find_tee: each way is named once, with the reason") {
    Machine machine;
    machine.tsm.no_provider = true;
    machine.devices = {"/dev/tdx_guest"};
    machine.refusal = Code::denied;
    const FoundTee found = machine.find();
    REQUIRE(found.candidates.size() == 4);
    CHECK(found.candidates[0].way == TeeWay::tsm);
    CHECK(found.candidates[0].reason.find("No such device or address") != std::string::npos);
    CHECK(found.candidates[1].reason == "/dev/sev-guest: refused on purpose");
    CHECK(found.candidates[2].usable);
    CHECK(found.candidates[2].reason == "/dev/tdx_guest");
    CHECK(found.candidates[3].way == TeeWay::azure);
    CHECK(found.candidates[3].reason == "not looked at: the one before it is used");
    CHECK(found.used() == &found.candidates[2]);
}

TEST_CASE("collect.find_tee: a machine without a TEE has none, and every reason is given") {
    Machine machine;
    machine.tsm.no_provider = true;
    machine.devices = {};
    TeePlatform platform = machine.platform();
    SUBCASE("a TPM without the report") {
        FakeTpm tpm;
        platform.tpm = &tpm;
        const FoundTee found = find_tee({}, platform);
        CHECK(found.provider == nullptr);
        CHECK(found.used() == nullptr);
        CHECK(used(found) == "none");
        REQUIRE(found.candidates.size() == 4);
        for (const TeeCandidate& candidate : found.candidates) {
            CHECK_FALSE(candidate.usable);
            CHECK_FALSE(candidate.reason.empty());
        }
    }
    SUBCASE("an index with something else in it") {
        FakeTpm tpm;
        tpm.put_nv(AzureQuoteProvider::kReportIndex, Bytes(2600));
        platform.tpm = &tpm;
        const FoundTee found = find_tee({}, platform);
        CHECK(found.provider == nullptr);
        CHECK(found.candidates[3].reason.starts_with("hcl.report: signature"));
    }
    SUBCASE("no TPM") {
        platform.tpm = nullptr;
        CHECK(find_tee({}, platform).candidates[3].reason == "azure: no TPM is configured");
    }
    SUBCASE("no HTTP client") {
        platform.http = nullptr;
        CHECK(find_tee({}, platform).candidates[3].reason == "azure: no HTTP client is given");
    }
}

TEST_CASE("collect.find_tee: nothing is fetched, connected or made while looking") {
    Machine machine;
    machine.tsm.no_provider = true;
    machine.devices = {};
    CHECK(used(machine.find()) == "azure");
    CHECK(machine.azure.http.requests().empty());
    CHECK_FALSE(machine.azure.tpm.has_nv(AzureQuoteProvider::kUserDataIndex));
    machine.devices = {"/dev/tdx_guest"};
    CHECK(used(machine.find()) == "tdx_guest");
    CHECK(machine.service.connections.empty());
}

TEST_CASE("collect.find_tee: the entry that shows the driver does not stay") {
    Machine machine;
    machine.find();
    CHECK(machine.tsm.entries_made() == 1);
    CHECK(machine.tsm.entries() == 0);
}

TEST_CASE("collect.find_tee: a driver that we do not know is passed over") {
    Machine machine;
    machine.tsm.provider = "arm_cca_guest";
    const FoundTee found = machine.find();
    CHECK(used(found) == "sev-guest");
    CHECK(found.candidates[0].reason.find("arm_cca_guest") != std::string::npos);
    CHECK(machine.tsm.entries() == 0);
}

TEST_CASE("collect.find_tee: a path that is not configured is not opened") {
    Machine machine;
    const FoundTee found = machine.find({.tsm = "", .sev_guest = "", .tdx_guest = ""});
    CHECK(used(found) == "azure");
    CHECK(machine.opened.empty());
    CHECK(machine.tsm.entries_made() == 0);
    CHECK(found.candidates[0].reason == "configfs-tsm: is not configured");
}
