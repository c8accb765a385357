// A whole good Intel platform with its verifier: each part can be changed before it is judged.
#pragma once

#include "test/support/intel_pki.h"
#include "verify/raw.h"

namespace ratls::test {

class Scene;

class IntelScene : public IntelPlatform {
  public:
    explicit IntelScene(dcap::Tee tee = dcap::Tee::tdx, std::uint16_t version = 4);

    UnixTime now = kIntelNow;
    verify::Policy policy;
    std::optional<Bytes> nonce;
    dcap::Tee wanted;                          ///< what the verifier takes the quote for
    std::vector<verify::UserRoot> user_roots;  ///< if empty, the platform's own root

    /// What the verifier is given of this platform's endorsements.
    struct Given {
        bool root = true, tcb_signer = true, ca = true;
        bool root_crl = true, pck_crl = true, tcb_info = true, qe_identity = true;
        bool leaf = false;  ///< the PCK itself
    };
    Given given;
    std::vector<Bytes> first, last;  ///< more files, before and behind these

    verify::Endorsements endorsements() const;
    std::vector<verify::UserRoot> roots() const;
    verify::VerificationResult verify() const { return verify_quote(make_quote()); }
    verify::VerificationResult verify_quote(ByteView bytes) const;
    /// The outcome and the rules that failed: "invalid: dcap.signature".
    std::string outcome() const;
    std::string outcome(ByteView bytes) const;
};

/// The scene's VM as a trust domain of this platform, whose MRTD is the snapshot's. `intel` must
/// outlive the scene.
void use_tdx(Scene& scene, IntelScene& intel);

inline Bytes bytes_of(std::string_view text) {
    return to_bytes(as_bytes(text));
}

}  // namespace ratls::test
