#include "ratls/evidence/snp/vek.h"

#include "ratls/base/text.h"
#include "ratls/codec/der.h"

namespace ratls::snp {
namespace {

constexpr std::string_view kWhere = "snp.vek";

const Extension* amd_extension(const Certificate& certificate, std::string_view suffix) {
    return certificate.extension("1.3.6.1.4.1.3704.1." + std::string(suffix));
}

Result<std::uint8_t> read_level(const Certificate& certificate, std::string_view suffix,
                                std::string_view name) {
    const Extension* extension = amd_extension(certificate, suffix);
    if (extension == nullptr) {
        return fail(Code::malformed, std::string(kWhere) + ": " + std::string(name), "missing");
    }
    der::Parser value(extension->value, kWhere);
    const std::uint64_t level = value.uint(name);
    if (level > 255) {
        value.fail(name, "0 to 255 wanted, " + std::to_string(level) + " found");
    }
    RATLS_CHECK(value.finish());
    return static_cast<std::uint8_t>(level);
}

Result<std::string> read_ia5(const Certificate& certificate, std::string_view suffix,
                             std::string_view name) {
    const Extension* extension = amd_extension(certificate, suffix);
    if (extension == nullptr) {
        return fail(Code::malformed, std::string(kWhere) + ": " + std::string(name), "missing");
    }
    der::Parser value(extension->value, kWhere);
    const ByteView text = value.element(der::kIa5String, name);
    RATLS_CHECK(value.finish());
    return std::string(as_text(text));
}

/// AMD writes the bare bytes; some writers wrap them in an OCTET STRING. The length decides, since
/// a chip id may begin with any byte.
Result<Bytes> read_hw_id(const Certificate& certificate, std::size_t size) {
    const Extension* extension = amd_extension(certificate, "4");
    if (extension == nullptr) {
        return fail(Code::malformed, "snp.vek: hwID", "missing");
    }
    ByteView value = extension->value;
    if (value.size() == size + 2 && value[0] == der::kOctetString && value[1] == size) {
        value = value.subspan(2);
    }
    if (value.size() != size) {
        return fail(
            Code::malformed, "snp.vek: hwID",
            std::to_string(size) + " bytes wanted, " + std::to_string(value.size()) + " found");
    }
    return to_bytes(value);
}

}  // namespace

std::string intermediate_name(Line line, SigningKey kind) {
    return (kind == SigningKey::vcek ? "SEV-" : "SEV-VLEK-") + std::string(line_name(line));
}

std::string root_name(Line line) {
    return "ARK-" + std::string(line_name(line));
}

Result<Vek> parse_vek(const Certificate& certificate) {
    Vek out;
    const std::string_view subject = certificate.common_name();
    if (subject == "SEV-VLEK") {
        out.kind = SigningKey::vlek;
    } else if (subject != "SEV-VCEK") {
        return fail(Code::malformed, "snp.vek: subject",
                    "SEV-VCEK or SEV-VLEK wanted, " + quoted(subject) + " found");
    }
    RATLS_TRY(out.product_name, read_ia5(certificate, "2", "productName"));
    const std::string family = out.product_name.substr(0, out.product_name.find('-'));
    const auto line = line_from_name(family);
    if (!line) {
        return fail(Code::unsupported, "snp.vek: productName", quoted(out.product_name));
    }
    out.line = *line;
    const std::string_view issuer = common_name(certificate.issuer());
    if (issuer != intermediate_name(out.line, out.kind)) {
        return fail(Code::mismatch, "snp.vek: issuer",
                    quoted(intermediate_name(out.line, out.kind)) + " wanted for product " +
                        quoted(out.product_name) + ", " + quoted(issuer) + " found");
    }
    const bool turin = out.line == Line::turin;
    RATLS_TRY(const std::uint8_t struct_version, read_level(certificate, "1", "structVersion"));
    if (struct_version != (turin ? 1 : 0)) {
        return fail(Code::unsupported, "snp.vek: structVersion", std::to_string(struct_version));
    }
    RATLS_TRY(out.tcb.bootloader, read_level(certificate, "3.1", "blSPL"));
    RATLS_TRY(out.tcb.tee, read_level(certificate, "3.2", "teeSPL"));
    RATLS_TRY(out.tcb.snp, read_level(certificate, "3.3", "snpSPL"));
    RATLS_TRY(out.tcb.microcode, read_level(certificate, "3.8", "ucodeSPL"));
    if (turin) {
        RATLS_TRY(out.tcb.fmc, read_level(certificate, "3.9", "fmcSPL"));
    }
    if (out.kind == SigningKey::vcek) {
        RATLS_TRY(out.hw_id, read_hw_id(certificate, turin ? 8 : 64));
    } else {
        RATLS_TRY(out.csp_id, read_ia5(certificate, "5", "cspID"));
    }
    return out;
}

}  // namespace ratls::snp
