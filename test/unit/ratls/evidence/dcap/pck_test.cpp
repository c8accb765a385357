#include "ratls/evidence/dcap/pck.h"

#include <doctest/doctest.h>

#include "ratls/codec/der.h"
#include "test/support/intel_pki.h"
#include "test/support/refusal.h"

using namespace ratls;
using namespace ratls::test;

namespace {

Certificate certificate_with(IntelPlatform& platform, const Bytes& extension) {
    platform.leaf.sgx_extension = extension;
    return Certificate::parse(platform.leaf_der()).value();
}

Result<dcap::Pck> parse_fields(const std::vector<SgxField>& fields) {
    IntelPlatform platform;
    return dcap::parse_pck(certificate_with(platform, encode_sgx_fields(0, fields)));
}

/// The good fields with field `number` replaced.
std::vector<SgxField> replaced(unsigned number, const Bytes& value) {
    std::vector<SgxField> out = sgx_fields(IntelPlatform().pck);
    for (SgxField& field : out) {
        if (field.number == number) {
            field.value = value;
        }
    }
    return out;
}

/// The same with the TCB (field 2) or the configuration (field 7) made of these fields.
Result<dcap::Pck> parse_nested(unsigned parent, const std::vector<SgxField>& fields) {
    return parse_fields(replaced(parent, encode_sgx_fields(parent, fields)));
}

Bytes octets(std::size_t size) {
    return der::encode(der::kOctetString, Bytes(size, 0x11));
}

Bytes integer(const Bytes& content) {
    return der::encode(der::kInteger, content);
}

/// Each field once left out, once twice, and one that nobody knows.
void check_set(const std::vector<SgxField>& good,
               const std::function<Result<dcap::Pck>(const std::vector<SgxField>&)>& parse) {
    REQUIRE(parse(good));
    for (std::size_t i = 0; i < good.size(); ++i) {
        CAPTURE(good[i].number);
        std::vector<SgxField> fields = good;
        fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(i));
        CHECK(refusal(parse(fields)) ==
              says("OID: field " + std::to_string(good[i].number) + " is missing"));
        fields = good;
        fields.push_back(good[i]);
        CHECK(refusal(parse(fields)) ==
              says("OID: field " + std::to_string(good[i].number) + " is there twice"));
    }
    for (const unsigned unknown : {0U, 8U, 19U, 127U}) {
        CAPTURE(unknown);
        std::vector<SgxField> fields = good;
        if (unknown == 8 && good.size() == 18) {
            continue;
        }
        fields.push_back({unknown, octets(1)});
        CHECK(refusal(parse(fields)) == says("dcap.pck: OID: a field that is unknown"));
        fields.back() = good.back();
        fields[fields.size() - 2].number = unknown;
        CHECK(refusal(parse(fields)) == says("dcap.pck: OID: a field that is unknown"));
    }
    std::vector<SgxField> reversed(good.rbegin(), good.rend());
    CHECK(parse(reversed));  // by number, in any order
    CHECK(refusal(parse({})) == says("dcap.pck: OID: field 1 is missing"));
}

}  // namespace

TEST_CASE("dcap.pck: a PCK of the Platform CA gives its fields") {
    IntelPlatform platform;
    for (std::uint8_t i = 0; i < 16; ++i) {
        platform.pck.components[i] = static_cast<std::uint8_t>(240 + i);
    }
    platform.pck.pce_svn = 65535;
    const auto certificate = Certificate::parse(platform.leaf_der());
    REQUIRE(certificate);
    CHECK(dcap::is_pck(*certificate));
    const auto pck = dcap::parse_pck(*certificate);
    REQUIRE(pck);
    CHECK(pck->ppid == platform.pck.ppid);
    CHECK(pck->components == platform.pck.components);
    CHECK(pck->pce_svn == 65535);
    CHECK(pck->cpu_svn == platform.pck.cpu_svn);
    CHECK(pck->pce_id == platform.pck.pce_id);
    CHECK(pck->fmspc == platform.pck.fmspc);
    CHECK(pck->sgx_type == 1);
    CHECK(pck->platform_instance_id == platform.pck.platform_instance_id);
    CHECK(pck->dynamic_platform == true);
    CHECK(pck->cached_keys == false);
    CHECK(pck->smt_enabled == true);
}

TEST_CASE("dcap.pck: a PCK of the Processor CA has five fields") {
    IntelPlatform platform;
    platform.use_processor_ca();
    const auto pck = dcap::parse_pck(Certificate::parse(platform.leaf_der()).value());
    REQUIRE(pck);
    CHECK_FALSE(pck->platform_instance_id);
    CHECK_FALSE(pck->dynamic_platform);
    CHECK_FALSE(pck->cached_keys);
    CHECK_FALSE(pck->smt_enabled);
}

TEST_CASE("dcap.pck: only the name of a PCK is one") {
    IntelPlatform platform;
    CHECK_FALSE(dcap::is_pck(Certificate::parse(platform.ca.der()).value()));
    platform.leaf.subject = "Intel SGX PCK Certificate ";
    CHECK_FALSE(dcap::is_pck(Certificate::parse(platform.leaf_der()).value()));
}

TEST_CASE("dcap.pck: a certificate without the extension is refused") {
    const auto pck = dcap::parse_pck(Certificate::parse(IntelPlatform().ca.der()).value());
    REQUIRE_FALSE(pck);
    CHECK(pck.error().where == "dcap.pck");
}

TEST_CASE("dcap.pck: each field is there once, and no other") {
    const dcap::Pck pck = IntelPlatform().pck;
    check_set(sgx_fields(pck), parse_fields);
    check_set(tcb_fields(pck),
              [](const std::vector<SgxField>& fields) { return parse_nested(2, fields); });
    check_set(configuration_fields(pck),
              [](const std::vector<SgxField>& fields) { return parse_nested(7, fields); });
}

TEST_CASE("dcap.pck: a field below another prefix is refused") {
    const dcap::Pck pck = IntelPlatform().pck;
    for (const unsigned parent : {0U, 1U, 3U, 7U}) {
        CHECK(refusal(parse_fields(replaced(2, encode_sgx_fields(parent, tcb_fields(pck))))) ==
              says("dcap.pck: OID: a field that is unknown"));
    }
    IntelPlatform platform;
    CHECK(refusal(
              dcap::parse_pck(certificate_with(platform, encode_sgx_fields(2, sgx_fields(pck))))) ==
          says("dcap.pck: OID: a field that is unknown"));
}

TEST_CASE("dcap.pck: byte strings have their size") {
    const std::pair<unsigned, std::size_t> sizes[] = {{1, 16}, {3, 2}, {4, 6}, {6, 16}};
    for (const auto& [number, size] : sizes) {
        CAPTURE(number);
        CHECK(parse_fields(replaced(number, octets(size))));
        for (const std::size_t wrong : {std::size_t{0}, size - 1, size + 1}) {
            CHECK(refusal(parse_fields(replaced(number, octets(wrong)))) ==
                  says(": " + std::to_string(size) + " bytes wanted"));
        }
        CHECK(refusal(parse_fields(replaced(number, integer(Bytes(size, 0x11))))) ==
              says(": tag 4 wanted, 2 found"));
    }
    for (const std::size_t wrong : {0U, 15U, 17U}) {
        std::vector<SgxField> fields = tcb_fields(IntelPlatform().pck);
        fields[17].value = octets(wrong);
        CHECK(refusal(parse_nested(2, fields)) == says("dcap.pck: CPUSVN: 16 bytes wanted"));
    }
}

TEST_CASE("dcap.pck: component SVNs are at most 255, PCESVN 65535, neither negative") {
    for (std::size_t i = 0; i < 17; ++i) {
        CAPTURE(i);
        const auto parse = [&](const Bytes& content) {
            std::vector<SgxField> fields = tcb_fields(IntelPlatform().pck);
            fields[i].value = integer(content);
            return refusal(parse_nested(2, fields));
        };
        const bool pce = i == 16;
        CHECK(parse({0}) == kAccepted);
        CHECK(parse({0, 0xff}) == kAccepted);
        if (pce) {
            CHECK(parse({1, 0}) == kAccepted);
            CHECK(parse({0, 0xff, 0xff}) == kAccepted);
        } else {
            CHECK(parse({1, 0}) == says("dcap.pck: component SVN: at most 255 wanted"));
            CHECK(parse({0, 0xff, 0xff}) == says("dcap.pck: component SVN: at most 255 wanted"));
        }
        CHECK(parse({1, 0, 0}) == says("SVN: at most "));
        CHECK(parse({0xff}) == says("SVN: a number from 0 to 2^63-1 wanted"));
        CHECK(parse({0, 1}) == says("SVN: not in its shortest form"));  // not the shortest form
        CHECK(parse({}) == says("SVN: a number from 0 to 2^63-1 wanted"));
    }
}

TEST_CASE("dcap.pck: the SGX type is 0, 1 or 2") {
    constexpr std::uint8_t kEnumerated = 0x0a;
    for (std::uint8_t type = 0; type < 5; ++type) {
        const auto pck = parse_fields(replaced(5, der::encode(kEnumerated, Bytes{type})));
        CHECK(pck.has_value() == (type <= 2));
        if (pck) {
            CHECK(pck->sgx_type == type);
        }
    }
    CHECK(refusal(parse_fields(replaced(5, der::encode(kEnumerated, Bytes{})))) ==
          says("dcap.pck: SGX type: 0, 1 or 2 wanted"));
    CHECK(refusal(parse_fields(replaced(5, der::encode(kEnumerated, Bytes{0, 1})))) ==
          says("dcap.pck: SGX type: 0, 1 or 2 wanted"));
    CHECK(refusal(parse_fields(replaced(5, integer({1})))) ==
          says("dcap.pck: SGX type: tag 10 wanted, 2 found"));
}

TEST_CASE("dcap.pck: a BOOLEAN is 0 or 0xff") {
    for (const std::size_t i : {0U, 1U, 2U}) {
        for (const Bytes& content : {Bytes{}, Bytes{1}, Bytes{0xfe}, Bytes{0, 0}}) {
            std::vector<SgxField> fields = configuration_fields(IntelPlatform().pck);
            fields[i].value = der::encode(der::kBoolean, content);
            CHECK(refusal(parse_nested(7, fields)) ==
                  says("dcap.pck: configuration: TRUE or FALSE wanted"));
        }
    }
}

TEST_CASE("dcap.pck: bytes behind the extension, a field or a value are refused") {
    IntelPlatform platform;
    const Bytes good = encode_sgx_fields(0, sgx_fields(platform.pck));
    Bytes longer = good;
    append(longer, der::encode(der::kNull, {}));
    CHECK(refusal(dcap::parse_pck(certificate_with(platform, longer))) ==
          says("dcap.pck: end: 2 trailing bytes"));
    for (unsigned number = 1; number <= 7; ++number) {
        CAPTURE(number);
        for (const SgxField& field : sgx_fields(platform.pck)) {
            if (field.number == number) {
                Bytes value = field.value;
                append(value, der::encode(der::kNull, {}));
                CHECK(refusal(parse_fields(replaced(number, value))) ==
                      says("dcap.pck: end: 2 trailing bytes"));
            }
        }
        CHECK(refusal(parse_fields(replaced(number, Bytes{}))) ==
              says(": an element wanted, the input ends"));
    }
}

TEST_CASE("dcap.pck: every truncation of the extension is refused") {
    IntelPlatform platform;
    const Bytes good = encode_sgx_fields(0, sgx_fields(platform.pck));
    for (std::size_t n = 1; n < good.size(); ++n) {
        CAPTURE(n);
        CHECK(refusal(
                  dcap::parse_pck(certificate_with(platform, to_bytes(ByteView(good).first(n))))) ==
              says("dcap.pck: SGX extension: "));
    }
}
