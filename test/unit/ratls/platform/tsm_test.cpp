#include "ratls/crypto/certificate.h"
#include "ratls/evidence/snp/cert_table.h"
#include "ratls/platform/quote_provider_tsm.h"
#include "test/fake/fake_tsm_files.h"
#include "test/support/snp_pki.h"
#include "test/unit/ratls/platform/quote_contract.h"

using namespace ratls;
using namespace ratls::test;

namespace {

/// The configfs of a pretended machine, and what asks it.
struct Machine {
    PretendedTee tee{snp_pki_folder()};
    FakeTsmFiles files{tee};
    TsmQuoteProvider provider{files};

    Result<TeeQuote> quote() { return provider.quote(question()); }
};

ByteView report_data_of(const TeeQuote& quote) {
    return ByteView(quote.report).subspan(0x50, 64);
}

}  // namespace

TEST_CASE("platform.tsm: the provider keeps the contract") {
    Machine machine;
    QuoteProviderUnderTest under_test{
        machine.provider,
        "sev_guest",
        0x50,
        [&] { machine.files.busy_writes = 1000; },
        [&] { machine.files.firmware_fails = true; },
        [&] { machine.files.provider = "arm_cca_guest"; },
    };
    check_quote_contract(under_test);
    CHECK(machine.files.entries() == 0);
}

TEST_CASE("platform.tsm: a quote answers the question, with the certificates of the host") {
    Machine machine;
    const auto quote = machine.quote();
    REQUIRE(quote);
    CHECK(quote->kind == "sev_guest");
    REQUIRE(quote->report.size() == 1184);
    CHECK(equal(report_data_of(*quote), question()));
    const auto table = snp::parse_cert_table(quote->aux);
    REQUIRE(table);
    CHECK(*table ==
          snp::CertTable{{snp::kGuidAsk, machine.tee.ask()}, {snp::kGuidVcek, machine.tee.vcek()}});
}

TEST_CASE("platform.tsm: each quote has an entry of its own, and none stays behind") {
    Machine machine;
    REQUIRE(machine.quote());
    REQUIRE(machine.quote());
    CHECK(machine.files.entries_made() == 2);
    CHECK(machine.files.entries() == 0);
}

TEST_CASE("platform.tsm: a host without certificates gives an empty table") {
    Machine machine;
    machine.files.no_certificates = true;
    const auto quote = machine.quote();
    REQUIRE(quote);
    CHECK(quote->aux.empty());
}

TEST_CASE("platform.tsm: a TDX guest has no certificate table") {
    Machine machine;
    machine.files.provider = "tdx_guest";
    const auto quote = machine.quote();
    REQUIRE(quote);
    CHECK(quote->kind == "tdx_guest");
    CHECK(quote->aux.empty());
}

TEST_CASE("platform.tsm: the privilege level asked for is in the report") {
    Machine machine;
    TsmQuoteProvider provider(machine.files, TsmQuoteProvider::kDirectory, 2);
    const auto quote = provider.quote(question());
    REQUIRE(quote);
    CHECK(quote->report[0x30] == 2);  // VMPL
    machine.files.privlevel_floor = 3;
    const auto denied = provider.quote(question());
    CHECK(code_of(denied) == Code::denied);
    CHECK(denied.error().text() ==
          "tsm: privlevel: this guest may ask for 3 and higher, not for 2");
    CHECK(machine.files.entries_made() == 2);  // asked once, not five times
    CHECK(code_of(
              TsmQuoteProvider(machine.files, TsmQuoteProvider::kDirectory, 4).quote(question())) ==
          Code::usage);
    CHECK(machine.files.entries() == 0);
}

TEST_CASE("platform.tsm: an SVSM binds the question and its services") {
    Machine machine;
    machine.files.svsm = true;
    const auto ask = [&](const SvsmService& service) {
        return TsmQuoteProvider(machine.files, TsmQuoteProvider::kDirectory, std::nullopt, service)
            .quote(question());
    };
    const auto quote = ask({});
    REQUIRE_MESSAGE(quote, (quote ? "" : quote.error().text()));
    CHECK(quote->kind == "svsm");  // so that nobody looks for the question in the report
    CHECK(quote->manifest == machine.files.manifest);
    CHECK_FALSE(quote->aux.empty());
    const Digest bound =
        Hasher(HashAlg::sha512).update(question()).update(quote->manifest).finish();
    CHECK(equal(report_data_of(*quote), bound.view()));
    // Each option is a write, which the generation counts.
    CHECK(ask({.guid = "c476f1eb-0123-45a5-9641-b4e7dde5bfe3"}));
    CHECK(ask({.guid = "c476f1eb-0123-45a5-9641-b4e7dde5bfe3", .manifest_version = 1}));
    CHECK(machine.files.entries() == 0);
    CHECK(machine.quote()->manifest.empty());

    machine.files.svsm = false;
    const auto none = ask({});
    CHECK(code_of(none) == Code::unsupported);
    CHECK(none.error().text() == "tsm: service_provider: this kernel and its TEE have none");
}

TEST_CASE("platform.tsm: a machine without a TEE is unavailable") {
    Machine machine;
    machine.files.no_provider = true;
    CHECK(code_of(machine.quote()) == Code::unavailable);
    FakeFiles no_configfs;
    CHECK(code_of(TsmQuoteProvider(no_configfs).quote(question())) == Code::unavailable);
    LinuxFiles here;
    CHECK(code_of(TsmQuoteProvider(here, "/no/such/directory").quote(question())) ==
          Code::unavailable);
}

TEST_CASE("platform.tsm: a busy entry is tried again, four times and no more") {
    Machine machine;
    machine.files.busy_writes = 4;
    CHECK(machine.quote());
    machine.files.busy_writes = 5;
    CHECK(code_of(machine.quote()) == Code::unavailable);
    CHECK(machine.files.busy_writes == 0);
    CHECK(machine.files.entries() == 0);
}

TEST_CASE("platform.tsm: a report on somebody else's question is not taken") {
    Machine machine;
    machine.files.foreign_writes = 4;
    const auto quote = machine.quote();
    REQUIRE(quote);
    CHECK(equal(report_data_of(*quote), question()));
    machine.files.foreign_writes = 5;
    CHECK(code_of(machine.quote()) == Code::mismatch);
    CHECK(machine.files.entries() == 0);
}

TEST_CASE("platform.tsm: a generation that is no number is malformed") {
    for (const char* text : {"", "x", "1x", "-1", " 1", "1\n", "18446744073709551616"}) {
        CAPTURE(text);
        Machine machine;
        machine.files.generation_text = text;
        CHECK(code_of(machine.quote()) == Code::malformed);
        CHECK(machine.files.entries() == 0);
    }
}

TEST_CASE("platform.tsm: a TEE that we do not know is unsupported") {
    Machine machine;
    machine.files.provider = "arm_cca_guest";
    const auto quote = machine.quote();
    CHECK(code_of(quote) == Code::unsupported);
    CHECK(quote.error().text().find("arm_cca_guest") != std::string::npos);
    CHECK(machine.files.entries() == 0);
}

TEST_CASE("platform.tsm: a firmware failure is handed on, and not tried again") {
    Machine machine;
    machine.files.firmware_fails = true;
    CHECK(code_of(machine.quote()) == Code::io);
    CHECK(machine.files.entries_made() == 1);
    CHECK(machine.files.entries() == 0);
}

TEST_CASE("platform.tsm: the pretended configfs behaves as the kernel says") {
    Machine machine;
    FakeTsmFiles& files = machine.files;
    const std::string entry = std::string(TsmQuoteProvider::kDirectory) + "/mine";
    const auto read = [&](const char* attribute) { return files.read(entry + attribute, 100'000); };
    const auto text = [&](const char* attribute) {
        const auto content = read(attribute);
        REQUIRE(content);
        return std::string(as_text(*content));
    };
    CHECK(code_of(read("/generation")) == Code::unavailable);
    REQUIRE(files.make_directory(entry));
    CHECK(code_of(files.make_directory(entry)) == Code::io);
    CHECK(text("/generation") == "0\n");
    CHECK(text("/provider") == "sev_guest\n");
    CHECK(code_of(read("/outblob")) == Code::io);  // EINVAL: no question yet
    CHECK(code_of(read("/inblob")) == Code::denied);
    CHECK(code_of(read("/other")) == Code::unavailable);
    CHECK(code_of(files.write(entry + "/outblob", Bytes{1})) == Code::denied);
    CHECK(code_of(files.write(entry + "/inblob", Bytes(65))) == Code::io);
    CHECK(text("/generation") == "0\n");
    CHECK(files.write(entry + "/inblob", Bytes(63)));
    CHECK(code_of(read("/outblob")) == Code::io);  // the SNP driver wants 64
    CHECK(files.write(entry + "/inblob", Bytes(64, 1)));
    CHECK(text("/generation") == "2\n");
    const auto first = read("/outblob");
    REQUIRE(first);
    CHECK(read("/outblob").value() == *first);
    CHECK(files.write(entry + "/inblob", Bytes(64, 2)));
    CHECK(read("/outblob").value() != *first);
    CHECK(files.remove_directory(entry));
    CHECK(code_of(files.remove_directory(entry)) == Code::unavailable);

    files.put("/etc/file", "elsewhere it is a file system");
    CHECK(files.read("/etc/file", 100));
    REQUIRE(files.make_directory("/etc/new"));
    check_files_contract(files, "/etc/new");
}
