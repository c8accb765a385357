// What a certificate says, as JSON for `show`. No verdict.
#pragma once

#include "ratls/cert/native.h"
#include "ratls/codec/json.h"

namespace ratls::cert {

Json describe_claims(const Claims& claims);
Json describe(const NativeCertificate& native);

}  // namespace ratls::cert
