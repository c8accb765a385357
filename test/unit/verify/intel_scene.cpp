#include "test/unit/verify/intel_scene.h"

#include "test/unit/verify/scene.h"

namespace ratls::test {

IntelScene::IntelScene(dcap::Tee tee, std::uint16_t version)
    : IntelPlatform(tee, version), wanted(tee) {}

std::vector<verify::UserRoot> IntelScene::roots() const {
    if (!user_roots.empty()) {
        return user_roots;
    }
    return {{wanted == dcap::Tee::tdx ? verify::RootKind::tdx : verify::RootKind::sgx,
             certificate_of(root.der())}};
}

verify::Endorsements IntelScene::endorsements() const {
    verify::Endorsements out;
    const auto add = [&](bool wanted_here, const auto& make) {
        if (wanted_here) {
            out.add_file("endorsement", make());
        }
    };
    for (const Bytes& file : first) {
        out.add_file("first", file);
    }
    add(given.root, [&] { return root.der(); });
    add(given.tcb_signer, [&] { return tcb_signer.der(); });
    add(given.ca, [&] { return ca.der(); });
    add(given.leaf, [&] { return leaf_der(); });
    add(given.root_crl, [&] { return root_crl.der(); });
    add(given.pck_crl, [&] { return pck_crl.der(); });
    add(given.tcb_info, [&] { return bytes_of(tcb_info_text()); });
    add(given.qe_identity, [&] { return bytes_of(qe_identity_text()); });
    for (const Bytes& file : last) {
        out.add_file("last", file);
    }
    return out;
}

verify::VerificationResult IntelScene::verify_quote(ByteView bytes) const {
    const verify::Endorsements files = endorsements();
    const std::vector<verify::UserRoot> trusted = roots();
    return verify::verify_raw_dcap(bytes, wanted, std::nullopt,
                                   {policy, files, trusted, now, nonce});
}

void use_tdx(Scene& scene, IntelScene& intel) {
    scene.now = kIntelNow;
    scene.not_before = scene.now - 300;
    scene.not_after = scene.now + 3600;
    scene.snapshot->not_before = scene.now - kDay;
    scene.snapshot->not_after = scene.now + kDay;
    scene.vek.reset();
    scene.ask.reset();
    scene.crl.reset();
    intel.tcb_info.issue_date = scene.now - kDay;
    intel.quote.td->rtmr = {};
    scene.user_roots = intel.roots();
    scene.endorsements = intel.endorsements();
    scene.tdx_quote = [&intel](const std::array<std::uint8_t, 64>& report_data) {
        intel.quote.td->report_data = report_data;
        return intel.make_quote();
    };
    scene.snapshot->snp.reset();
    scene.snapshot->tdx.emplace();
    scene.snapshot->tdx->measurements = {{to_bytes(intel.quote.td->mr_td), {"firmware"}, ""}};
}

std::string IntelScene::outcome() const {
    return outcome(make_quote());
}

std::string IntelScene::outcome(ByteView bytes) const {
    return summary(verify_quote(bytes));
}

}  // namespace ratls::test
