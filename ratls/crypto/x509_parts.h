// Parts that certificates and revocation lists share. For ratls/crypto only.
#pragma once

#include "ratls/codec/der.h"
#include "ratls/crypto/certificate.h"

namespace ratls::x509 {

/// A whole AlgorithmIdentifier of a signature.
Result<SignatureScheme> read_scheme(ByteView identifier);

/// UTCTime or GeneralizedTime, in the forms of RFC 5280, section 4.1.2.5.
UnixTime read_time(der::Parser& parser, std::string_view field);

/// An OBJECT IDENTIFIER as dotted text.
std::string read_oid(der::Parser& parser, std::string_view field);

Extension read_extension(der::Parser& list);

/// A signature of this scheme over a message.
Status verify(const PublicKey& key, const SignatureScheme& scheme, ByteView message,
              ByteView signature);

}  // namespace ratls::x509
