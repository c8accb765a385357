#include "verify/formats/ak_certificate.h"

#include "ratls/codec/der.h"
#include "ratls/codec/hex.h"
#include "verify/formats/tpm_chain.h"

namespace ratls::verify {
namespace {

constexpr std::string_view kRule = "tpm.ak_certificate";
constexpr std::string_view kInstanceExtension = "1.3.6.1.4.1.11129.2.1.21";

std::string read_text(der::Parser& parser, std::string_view field) {
    return std::string(as_text(parser.element(der::kUtf8String, field)));
}

Result<std::vector<Certificate>> read_chain(const AkCertificateInputs& inputs) {
    RATLS_TRY(std::vector<Certificate> out, parse_chain(inputs.chain, inputs.user_roots));
    const Certificate& leaf = out.front();
    if (!equal(leaf.public_key().spki_sha256(), inputs.ak.spki_sha256())) {
        return fail(Code::mismatch, "leaf", "the certificate of another key");
    }
    if (leaf.is_ca()) {
        return fail(Code::untrusted, "leaf", "a CA");
    }
    return out;
}

}  // namespace

Result<CloudInstance> parse_gce_instance(const Certificate& certificate) {
    const Extension* extension = certificate.extension(kInstanceExtension);
    if (extension == nullptr) {
        return fail(Code::unsupported, "instance", "the certificate names none");
    }
    CloudInstance out;
    der::Parser outer(extension->value, "instance");
    der::Parser info = outer.sequence("instance");
    out.zone = read_text(info, "zone");
    info.element(der::kInteger, "project number");
    out.project_id = read_text(info, "project id");
    out.instance_id = std::to_string(info.uint("instance id"));
    out.instance_name = read_text(info, "instance name");
    if (const auto properties = info.optional(der::context(0), "security properties")) {
        der::Parser wrapper = info.nested(*properties);
        der::Parser fields = wrapper.sequence("security properties");
        fields.optional(der::context(0), "security version");
        if (const auto production = fields.optional(der::context(1), "is production")) {
            der::Parser flag = fields.nested(*production);
            out.production = equal(flag.element(der::kBoolean, "is production"), Bytes{0xff});
            fields.absorb(flag);
        }
        for (unsigned more = 2; more <= 5; ++more) {
            fields.optional(der::context(more), "measured");
        }
        wrapper.absorb(fields);
        info.absorb(wrapper);
    }
    outer.absorb(info);
    RATLS_CHECK(outer.finish());
    return out;
}

std::optional<CloudInstance> verify_ak_certificate(const AkCertificateInputs& inputs,
                                                   Findings& out) {
    if (inputs.chain.empty() || !has_tpm_root(inputs.user_roots)) {
        return std::nullopt;
    }
    const auto chain = read_chain(inputs);
    const Status status = chain ? verify_tpm_chain(*chain, inputs.user_roots, inputs.now)
                                : Status(std::unexpected(chain.error()));
    out.check(kRule, status.has_value(), "a chain from a root of --trust-root to the AK",
              status ? "verified" : status.error().text());
    if (!status) {
        return std::nullopt;
    }
    auto instance = parse_gce_instance(chain->front());
    return instance ? std::optional(*std::move(instance)) : std::nullopt;
}

}  // namespace ratls::verify
