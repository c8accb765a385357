// The vendors' roots, as published: whose word about their hardware counts without being asked.
#pragma once

#include "ratls/crypto/certificate.h"
#include "ratls/evidence/snp/tcb.h"

namespace ratls::verify {

/// The root certificates that the vendors serve today, known as a whole: no signature is needed.
bool is_vendor_root(const Certificate& certificate);

/// The public key is that of a vendor's root. Of a certificate that is not known as a whole, every
/// field is only as good as its self-signature.
bool has_vendor_root_key(const Certificate& certificate);

/// SHA-256 of the SubjectPublicKeyInfo of AMD's root key of a line.
const Sha256Digest& pinned_ark(snp::Line line);
const Sha256Digest& pinned_intel_root();

/// A key of an intermediate that AMD published. It is no root: it only tells "the ARK is not at
/// hand" from "this intermediate is not AMD's".
bool is_amd_intermediate(const Certificate& certificate);

/// The name (`name_key`) of a certificate under which the vendors issue others, or lists.
bool is_vendor_issuer(const std::string& name_key);

}  // namespace ratls::verify
