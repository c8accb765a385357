#include "verify/formats/vendor_roots.h"

#include <algorithm>
#include <set>

#include "ratls/codec/hex.h"
#include "ratls/evidence/snp/vek.h"
#include "verify/formats/pinned.h"

namespace ratls::verify {
namespace {

using snp::Line;

// Facts about AMD's published certificates (KDS, vcek/v1/LINE/cert_chain and
// vlek/v1/LINE/cert_chain).
constexpr Sha256Digest kArkMilan =
    pinned_digest("9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9");
constexpr Sha256Digest kArkGenoa =
    pinned_digest("429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831");
constexpr Sha256Digest kArkTurin =
    pinned_digest("4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08");

// Facts about the Intel SGX Root CA: its key, and the certificate that is served today.
constexpr Sha256Digest kIntelRootKey =
    pinned_digest("a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e");
constexpr Sha256Digest kIntelRootCertificate =
    pinned_digest("44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3");

constexpr std::array kRootCertificates = {
    pinned_digest("69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd"),  // Milan
    pinned_digest("4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1"),  // Genoa
    pinned_digest("1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a"),  // Turin
    kIntelRootCertificate,
};

constexpr std::array kRootKeys = {kArkMilan, kArkGenoa, kArkTurin, kIntelRootKey};

constexpr std::array kAmdIntermediates = {
    pinned_digest("42491669ccb851d627ea9846cd24eccbeb7de7c2a62740120fff88001d38ebb6"),
    pinned_digest("0324d55bcd48ba877a8fd87c0e1b4934dec8448e3807a24384a34dc6a6c9ebb8"),
    pinned_digest("0000ead352025f208bf55297c4192c34cd1b878002107366d8f2065a9ae7d3a9"),
    pinned_digest("66450a123ea5876206df67f2514a4fea224c0f63b18313423078b0edc4535e33"),
    pinned_digest("7d1633252ebbadaa75f96e9b4e6f7d43a90ceb3f843937482630f8da2459264e"),
    pinned_digest("bfc441408b2f806c5dbf180bd8920e6e60dd404d82141780d85dbf962954d386"),
};

using Attribute = std::pair<std::uint8_t, std::string_view>;  // last arc of 2.5.4.x, value

/// As `name_key` gives it.
std::string key_of(std::vector<Attribute> attributes, std::string_view common_name) {
    constexpr std::uint8_t kCommonName = 3;
    attributes.emplace_back(kCommonName, common_name);
    std::ranges::sort(attributes);
    std::string out;
    for (const auto& [arc, value] : attributes) {
        const std::array<std::uint8_t, 3> oid = {0x55, 0x04, arc};
        out += hex(oid) + "=" + hex(as_bytes(value)) + ",";
    }
    return out;
}

/// Source: the certificates of KDS and of Intel's PCS.
std::set<std::string> vendor_issuers() {
    std::set<std::string> out;
    for (const Line line : {Line::milan, Line::genoa, Line::turin}) {
        for (const std::string& name :
             {snp::root_name(line), snp::intermediate_name(line, snp::SigningKey::vcek),
              snp::intermediate_name(line, snp::SigningKey::vlek)}) {
            out.insert(key_of({{6, "US"},
                               {7, "Santa Clara"},
                               {8, "CA"},
                               {10, "Advanced Micro Devices"},
                               {11, "Engineering"}},
                              name));
        }
    }
    for (const char* name : {"Intel SGX Root CA", "Intel SGX PCK Platform CA",
                             "Intel SGX PCK Processor CA", "Intel SGX TCB Signing"}) {
        out.insert(
            key_of({{6, "US"}, {7, "Santa Clara"}, {8, "CA"}, {10, "Intel Corporation"}}, name));
    }
    return out;
}

bool contains(const auto& digests, const Sha256Digest& wanted) {
    return std::ranges::find(digests, wanted) != digests.end();
}

}  // namespace

bool is_vendor_root(const Certificate& certificate) {
    return contains(kRootCertificates, sha256(certificate.der()));
}

bool has_vendor_root_key(const Certificate& certificate) {
    return contains(kRootKeys, certificate.public_key().spki_sha256());
}

const Sha256Digest& pinned_ark(Line line) {
    switch (line) {
        case Line::milan:
            return kArkMilan;
        case Line::genoa:
            return kArkGenoa;
        case Line::turin:
            return kArkTurin;
    }
    return kArkMilan;
}

const Sha256Digest& pinned_intel_root() {
    return kIntelRootKey;
}

bool is_amd_intermediate(const Certificate& certificate) {
    return contains(kAmdIntermediates, certificate.public_key().spki_sha256());
}

bool is_vendor_issuer(const std::string& name_key) {
    static const std::set<std::string> kIssuers = vendor_issuers();
    return kIssuers.contains(name_key);
}

}  // namespace ratls::verify
