// What a cloud provider says about the key of a virtual TPM.
#pragma once

#include <optional>

#include "verify/endorsements.h"
#include "verify/finding.h"

namespace ratls::verify {

/// The machine that an AK certificate names.
struct CloudInstance {
    std::string zone;
    std::string project_id;
    std::string instance_id;  ///< decimal
    std::string instance_name;
    bool production = false;  ///< the provider says that its own protections are on
};

struct AkCertificateInputs {
    const std::vector<Bytes>& chain;  ///< DER, leaf first; the root may be left out
    const PublicKey& ak;
    const std::vector<UserRoot>& user_roots;
    UnixTime now;
};

/// That a root given by the caller vouches for this AK: chain, dates, the same key. Gives the
/// instance that the certificate names, if it names one in a way that is known here.
/// Nothing is reported, and nothing given, if there is no certificate or no root of kind tpm.
/// Source: RFC 5280; Google, "Shielded VM, AK certificate" (extension 1.3.6.1.4.1.11129.2.1.21).
std::optional<CloudInstance> verify_ak_certificate(const AkCertificateInputs& inputs,
                                                   Findings& out);

/// The extension with the instance; fails if it is missing or malformed.
Result<CloudInstance> parse_gce_instance(const Certificate& certificate);

}  // namespace ratls::verify
