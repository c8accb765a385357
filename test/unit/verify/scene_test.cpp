// The good VM is accepted, with all that this rests on.
#include "test/unit/verify/scene.h"

#include <doctest/doctest.h>

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

TEST_CASE("verify: the good VM is accepted inside the handshake, and every rule is reported") {
    const VerificationResult result = Scene().verify();
    CHECK(summary(result) == "accepted");
    for (const char* rule : {"snapshot.present",
                             "snapshot.signature",
                             "snapshot.dates",
                             "snapshot.sequence",
                             "snapshot.dialect",
                             "cert.format",
                             "cert.profile",
                             "cert.key_binding",
                             "cert.dates",
                             "cert.name",
                             "tee.present",
                             "cert.report_data",
                             "snp.format",
                             "snp.vek.present",
                             "snp.vek.format",
                             "snp.vek.kind",
                             "snp.product",
                             "snp.vek.tcb",
                             "snp.tcb.consistency",
                             "snp.vek.chip_id",
                             "snp.chain.present",
                             "snp.chain.signatures",
                             "snp.chain.root",
                             "snp.chain.dates",
                             "snp.crl",
                             "snp.revoked",
                             "snp.signature",
                             "snp.policy.debug",
                             "snp.policy.migration_agent",
                             "snp.policy.smt",
                             "snp.policy.abi",
                             "snp.vmpl",
                             "snp.chip_id.masked",
                             "snp.tcb.provisional",
                             "snp.products",
                             "snp.platform",
                             "snp.revocation",
                             "freshness.beacon",
                             "snp.measurement",
                             "snp.guest_svn",
                             "tpm.present",
                             "tpm.ak.present",
                             "tpm.quote.format",
                             "tpm.ak.attributes",
                             "tpm.signature",
                             "cert.qualifying_data",
                             "tpm.selection",
                             "tpm.pcr_digest",
                             "cert.ak_name",
                             "tpm.class",
                             "tpm.clock",
                             "tpm.pcrs",
                             "eventlog.format",
                             "eventlog.replay",
                             "ima.present",
                             "ima.format",
                             "ima.replay",
                             "ima.prefix",
                             "ima.boot_aggregate",
                             "ima.require",
                             "ima.files",
                             "ima.kexec",
                             "ima.violations"}) {
        CAPTURE(rule);
        CHECK(passed(result, rule));
    }
    CHECK(result.root == "user");
    CHECK(result.dialect == "ratls-vm/1");
    CHECK(result.tpm.name == "tee-vouched");
    CHECK(result.tpm.excludes_host);
    CHECK_FALSE(result.tpm.excludes_guest_root);
    CHECK(result.freshness == 1);
    CHECK(result.not_older_than == kCrlIssued);
    CHECK(result.verified_at == kNow);
    CHECK(result.not_checked.empty());
}

TEST_CASE("verify: fresh evidence makes it freshness 3, not older than now") {
    const VerificationResult result = Scene().fresh();
    CHECK(summary(result) == "accepted");
    CHECK(result.freshness == 3);
    CHECK(result.not_older_than == kNow);
    for (const char* rule :
         {"session.key", "session.nonce", "session.binder", "freshness.required"}) {
        CAPTURE(rule);
        CHECK(passed(result, rule));
    }
    CHECK(result.root == "user");
    CHECK(result.tpm.excludes_host);
}
