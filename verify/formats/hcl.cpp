#include "verify/formats/hcl.h"

#include "ratls/codec/hex.h"

namespace ratls::verify {

std::optional<hcl::Report> verify_hcl_binding(ByteView bytes, Findings& out) {
    auto report = hcl::parse_report(bytes);
    if (!report) {
        out.fail("hcl.format", "a report of the paravisor", report.error().text());
        return std::nullopt;
    }
    out.pass("hcl.format", "version " + std::to_string(report->version) + ", " +
                               std::string(hcl::report_type_name(report->type)));
    const auto wanted = report->expected_report_data();
    const bool bound = equal(report->report_data(), wanted);
    out.check("hcl.binding", bound, hex(wanted), hex(report->report_data()));
    return *std::move(report);
}

Json hcl_claims(const hcl::Report& report) {
    const hcl::RuntimeData& runtime = report.runtime;
    Json configuration(Json::Object{});
    const auto set = [&](std::string_view key, const std::optional<bool>& value) {
        if (value) {
            configuration.set(key, *value);
        }
    };
    set("console_enabled", runtime.console_enabled);
    set("secure_boot", runtime.secure_boot);
    set("tpm_enabled", runtime.tpm_enabled);
    set("tpm_persisted", runtime.tpm_persisted);
    configuration.set("vm_unique_id", runtime.vm_unique_id);
    Json out(Json::Object{});
    out.set("version", std::uint64_t{report.version});
    out.set("request_type", std::uint64_t{report.request_type});
    out.set("report_type", hcl::report_type_name(report.type));
    out.set("report_data_hash_type", hash_name(report.hash));
    out.set("report_data", hex(report.report_data()));
    out.set("hcl_ak_pub", hex(runtime.ak.spki()));
    out.set("vm_configuration", std::move(configuration));
    if (runtime.user_data) {
        out.set("user_data", hex(*runtime.user_data));
    }
    return out;
}

}  // namespace ratls::verify
