#include "verify/formats/ak_certificate.h"

#include <algorithm>

#include "ratls/codec/der.h"
#include "ratls/codec/hex.h"

namespace ratls::verify {
namespace {

constexpr std::string_view kRule = "tpm.ak_certificate";
constexpr std::string_view kInstanceExtension = "1.3.6.1.4.1.11129.2.1.21";
constexpr std::size_t kMaxChain = 4;

std::string read_text(der::Parser& parser, std::string_view field) {
    return std::string(as_text(parser.element(der::kUtf8String, field)));
}

/// Leaf to a root that was given, each signed by the next, all valid now.
Status verify_chain(const std::vector<Certificate>& chain, const AkCertificateInputs& inputs) {
    for (std::size_t i = 0; i < chain.size(); ++i) {
        const std::string name = common_name(chain[i].subject());
        RATLS_CHECK(verify_dates(chain[i], inputs.now, name.empty() ? "AK certificate" : name));
        if (i + 1 < chain.size()) {
            RATLS_CHECK(verify_issued_by(chain[i], chain[i + 1], static_cast<int>(i)));
        }
    }
    const Certificate& last = chain.back();
    for (const UserRoot& root : inputs.user_roots) {
        if (root.kind != RootKind::tpm) {
            continue;
        }
        const bool same = equal(root.certificate.der(), last.der());
        const bool issued =
            chain.size() < kMaxChain &&
            verify_issued_by(last, root.certificate, static_cast<int>(chain.size()) - 1);
        if ((same && chain.size() > 1) || issued) {
            return verify_dates(root.certificate, inputs.now, "root");
        }
    }
    return fail(Code::untrusted, "chain", "no root of --trust-root tpm: issued it");
}

Result<std::vector<Certificate>> read_chain(const AkCertificateInputs& inputs) {
    std::vector<Certificate> out;
    for (const Bytes& der : inputs.chain) {
        RATLS_TRY(Certificate certificate, Certificate::parse(der));
        out.push_back(std::move(certificate));
    }
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
    const bool root_given = std::ranges::any_of(
        inputs.user_roots, [](const UserRoot& root) { return root.kind == RootKind::tpm; });
    if (inputs.chain.empty() || !root_given) {
        return std::nullopt;
    }
    const auto chain = read_chain(inputs);
    const Status status = chain ? verify_chain(*chain, inputs) : std::unexpected(chain.error());
    out.check(kRule, status.has_value(), "a chain from a root of --trust-root to the AK",
              status ? "verified" : status.error().text());
    if (!status) {
        return std::nullopt;
    }
    auto instance = parse_gce_instance(chain->front());
    return instance ? std::optional(*std::move(instance)) : std::nullopt;
}

}  // namespace ratls::verify
