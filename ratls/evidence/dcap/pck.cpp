#include "ratls/evidence/dcap/pck.h"

#include <algorithm>
#include <bitset>
#include <functional>

#include "ratls/codec/der.h"

namespace ratls::dcap {
namespace {

constexpr std::string_view kName = "dcap.pck";
constexpr std::string_view kSgxExtension = "1.2.840.113741.1.13.1";
constexpr std::uint8_t kEnumerated = 0x0a;

template <std::size_t N>
std::array<std::uint8_t, N> read_octets(der::Parser& parser, std::string_view field) {
    std::array<std::uint8_t, N> out{};
    const ByteView content = parser.element(der::kOctetString, field);
    if (parser.ok() && content.size() != N) {
        parser.fail(field, std::to_string(N) + " bytes wanted");
    }
    std::copy_n(content.begin(), std::min(content.size(), N), out.begin());
    return out;
}

std::uint64_t read_number(der::Parser& parser, std::string_view field, std::uint64_t most) {
    const std::uint64_t value = parser.uint(field);
    if (value > most) {
        parser.fail(field, "at most " + std::to_string(most) + " wanted");
    }
    return value;
}

bool read_bool(der::Parser& parser, std::string_view field) {
    const ByteView content = parser.element(der::kBoolean, field);
    if (parser.ok() && (content.size() != 1 || (content[0] != 0 && content[0] != 0xff))) {
        parser.fail(field, "TRUE or FALSE wanted");
    }
    return parser.ok() && content[0] != 0;
}

unsigned read_type(der::Parser& parser) {
    const ByteView type = parser.element(kEnumerated, "SGX type");
    if (parser.ok() && (type.size() != 1 || type[0] > 2)) {
        parser.fail("SGX type", "0, 1 or 2 wanted");
    }
    return parser.ok() ? type[0] : 0;
}

/// 1.2.840.113741.1.13.1, which the OIDs of all fields begin with.
constexpr std::array<std::uint8_t, 9> kPrefix = {0x2a, 0x86, 0x48, 0x86, 0xf8,
                                                 0x4d, 0x01, 0x0d, 0x01};

/// The number that ends an OID, whose other arcs are those of the SGX extension and `parent`; 0 for
/// another OID.
unsigned field_number(ByteView oid, std::optional<std::uint8_t> parent) {
    const std::size_t size = kPrefix.size() + (parent ? 2 : 1);
    const bool fits = oid.size() == size && equal(oid.first(kPrefix.size()), kPrefix) &&
                      (!parent || oid[kPrefix.size()] == *parent) && oid.back() < 0x80;
    return fits ? oid.back() : 0;
}

/// SEQUENCE OF SEQUENCE { OID, value }: hands each value to `read` by its number. Each from 1 to
/// `count` must be there once, and no other.
void read_fields(der::Parser& list, std::optional<std::uint8_t> parent, unsigned count,
                 const std::function<void(unsigned, der::Parser&)>& read) {
    std::bitset<128> seen;
    while (list.ok() && !list.at_end()) {
        der::Parser field = list.sequence("field");
        const unsigned number = field_number(field.element(der::kOid, "OID"), parent);
        const bool twice = seen[number];
        if (field.ok() && (number == 0 || number > count || twice)) {
            field.fail("OID", twice ? "field " + std::to_string(number) + " is there twice"
                                    : "a field that is unknown");
        }
        if (field.ok()) {
            seen.set(number);
            read(number, field);
        }
        list.absorb(field);
    }
    for (unsigned number = 1; list.ok() && number <= count; ++number) {
        if (!seen[number]) {
            list.fail("OID", "field " + std::to_string(number) + " is missing");
        }
    }
}

void read_tcb(der::Parser& parent, Pck& out) {
    der::Parser tcb = parent.sequence("TCB");
    read_fields(tcb, std::uint8_t{2}, 18, [&](unsigned number, der::Parser& value) {
        if (number <= 16) {
            out.components[number - 1] =
                static_cast<std::uint8_t>(read_number(value, "component SVN", 255));
        } else if (number == 17) {
            out.pce_svn = static_cast<std::uint16_t>(read_number(value, "PCESVN", 65535));
        } else {
            out.cpu_svn = read_octets<16>(value, "CPUSVN");
        }
    });
    parent.absorb(tcb);
}

void read_configuration(der::Parser& parent, Pck& out) {
    der::Parser configuration = parent.sequence("configuration");
    read_fields(configuration, std::uint8_t{7}, 3, [&](unsigned number, der::Parser& value) {
        std::optional<bool>& place = number == 1   ? out.dynamic_platform
                                     : number == 2 ? out.cached_keys
                                                   : out.smt_enabled;
        place = read_bool(value, "configuration");
    });
    parent.absorb(configuration);
}

}  // namespace

bool is_pck(const Certificate& certificate) {
    return certificate.common_name() == "Intel SGX PCK Certificate";
}

Result<Pck> parse_pck(const Certificate& certificate) {
    const Extension* extension = certificate.extension(kSgxExtension);
    if (extension == nullptr) {
        return fail(Code::malformed, std::string(kName), "the SGX extension is missing");
    }
    const bool platform_ca = common_name(certificate.issuer()) == "Intel SGX PCK Platform CA";
    Pck out;
    der::Parser outer(extension->value, kName);
    der::Parser fields = outer.sequence("SGX extension");
    read_fields(
        fields, std::nullopt, platform_ca ? 7 : 5, [&](unsigned number, der::Parser& value) {
            switch (number) {
                case 1:
                    out.ppid = read_octets<16>(value, "PPID");
                    break;
                case 2:
                    read_tcb(value, out);
                    break;
                case 3:
                    out.pce_id = read_octets<2>(value, "PCEID");
                    break;
                case 4:
                    out.fmspc = read_octets<6>(value, "FMSPC");
                    break;
                case 5:
                    out.sgx_type = read_type(value);
                    break;
                case 6:
                    out.platform_instance_id = read_octets<16>(value, "platform instance id");
                    break;
                default:
                    read_configuration(value, out);
            }
        });
    outer.absorb(fields);
    RATLS_CHECK(outer.finish());
    return out;
}

}  // namespace ratls::dcap
