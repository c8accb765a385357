#include "ratls/endorse/amd.h"

#include "ratls/codec/hex.h"
#include "ratls/endorse/downloader.h"
#include "ratls/evidence/snp/vek.h"

namespace ratls::endorse {
namespace {

constexpr std::size_t kTurinHwIdSize = 8;

Result<snp::Line> line_of(const snp::Report& report, std::optional<snp::Line> product) {
    if (report.version < 3) {
        if (!product) {
            return fail(Code::usage, "product",
                        "a report of version 2 does not name it: Milan, Genoa or Turin wanted");
        }
        return *product;
    }
    const auto line = snp::line_from_cpuid(report.cpuid_fam_id, report.cpuid_mod_id);
    if (!line) {
        return fail(Code::unsupported, "product",
                    snp::processor_text(report.cpuid_fam_id, report.cpuid_mod_id) +
                        " is none of Milan, Genoa, Turin");
    }
    if (product && *product != *line) {
        return fail(Code::usage, "product",
                    "the report is of " + std::string(snp::line_name(*line)) + ", not of " +
                        std::string(snp::line_name(*product)));
    }
    return *line;
}

/// Two digits at least, as the KDS documents them.
std::string level(const char* name, std::uint8_t value) {
    return std::string(name) + (value < 10 ? "=0" : "=") + std::to_string(value);
}

std::string vcek_query(const snp::Tcb& tcb) {
    return "?" + (tcb.fmc ? level("fmcSPL", *tcb.fmc) + "&" : std::string()) +
           level("blSPL", tcb.bootloader) + "&" + level("teeSPL", tcb.tee) + "&" +
           level("snpSPL", tcb.snp) + "&" + level("ucodeSPL", tcb.microcode);
}

Result<Validity> check_vcek(ByteView der, const AmdKey& key) {
    RATLS_TRY(const Certificate certificate, Certificate::parse(der));
    RATLS_TRY(const snp::Vek vek, snp::parse_vek(certificate));
    if (vek.kind != snp::SigningKey::vcek || vek.line != key.line) {
        return fail(Code::mismatch, "VCEK",
                    "one of " + std::string(snp::line_name(key.line)) + " wanted, a " +
                        std::string(snp::signing_key_name(vek.kind)) + " of " +
                        std::string(snp::line_name(vek.line)) + " found");
    }
    if (vek.hw_id != key.hw_id) {
        return fail(Code::mismatch, "VCEK: hwID",
                    hex(key.hw_id) + " wanted, " + hex(vek.hw_id) + " found");
    }
    if (vek.tcb != key.tcb) {
        return fail(Code::mismatch, "VCEK: TCB",
                    snp::tcb_text(key.tcb) + " wanted, " + snp::tcb_text(vek.tcb) + " found");
    }
    return Validity{certificate.not_before(), certificate.not_after()};
}

}  // namespace

Result<AmdKey> amd_key(const snp::Report& report, std::optional<snp::Line> product) {
    AmdKey out;
    RATLS_TRY(out.line, line_of(report, product));
    out.kind = report.signing_key;
    out.raw_tcb = report.reported_tcb;
    RATLS_TRY(out.tcb, snp::parse_tcb(report.reported_tcb, out.line));
    if (out.kind == snp::SigningKey::vlek) {
        return out;
    }
    if (all_zero(report.chip_id)) {
        return fail(Code::unavailable, "CHIP_ID",
                    "the host hides it (MASK_CHIP_ID), so AMD cannot be asked for its VCEK");
    }
    ByteView hw_id = report.chip_id;
    if (out.line == snp::Line::turin) {
        if (!all_zero(hw_id.subspan(kTurinHwIdSize))) {
            return fail(Code::mismatch, "CHIP_ID", "a Turin has 8 bytes, and more are not zero");
        }
        hw_id = hw_id.first(kTurinHwIdSize);
    }
    out.hw_id = to_bytes(hw_id);
    return out;
}

Result<Plan> amd_plan(const AmdKey& key, const std::string& server) {
    RATLS_TRY(const std::string base, check_server(server));
    const std::string line(snp::line_name(key.line));
    const bool vcek = key.kind == snp::SigningKey::vcek;
    const std::string folder = base + (vcek ? "/vcek/v1/" : "/vlek/v1/") + line;
    Plan plan;
    if (vcek) {
        plan.key = "amd/" + line + "/" + hex(key.hw_id) + "-" + hex(key.raw_tcb);
        plan.sources.push_back(
            {.url = folder + "/" + hex(key.hw_id) + vcek_query(key.tcb),
             .body = {"vcek.der", [key](ByteView der) { return check_vcek(der, key); }}});
    } else {
        plan.key = "amd/" + line + "/vlek";
        plan.not_fetched.push_back(
            "the VLEK: AMD gives it to cloud providers only; it comes in the certificate table of "
            "the host");
    }
    plan.sources.push_back(
        {.url = folder + "/cert_chain",
         .body = {"cert_chain.pem", [names = std::vector{snp::intermediate_name(key.line, key.kind),
                                                         snp::root_name(key.line)}](ByteView pem) {
                      return check_chain(pem, names);
                  }}});
    plan.sources.push_back({.url = folder + "/crl",
                            .max_bytes = kMaxCrl,
                            .body = {"crl.der", [name = snp::root_name(key.line)](ByteView der) {
                                         return check_crl(der, name);
                                     }}});
    return plan;
}

}  // namespace ratls::endorse
