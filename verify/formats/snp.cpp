#include "verify/formats/snp.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/crypto/crl.h"
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

/// The root certificates that AMD serves today, as a whole.
constexpr std::array kArkCertificates = {
    pinned_digest("69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd"),
    pinned_digest("4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1"),
    pinned_digest("1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a"),
};

/// Keys of the intermediates. They are no roots: they only tell "the ARK is not at hand" from "this
/// intermediate is not AMD's".
constexpr std::array kIntermediates = {
    pinned_digest("42491669ccb851d627ea9846cd24eccbeb7de7c2a62740120fff88001d38ebb6"),
    pinned_digest("0324d55bcd48ba877a8fd87c0e1b4934dec8448e3807a24384a34dc6a6c9ebb8"),
    pinned_digest("0000ead352025f208bf55297c4192c34cd1b878002107366d8f2065a9ae7d3a9"),
    pinned_digest("66450a123ea5876206df67f2514a4fea224c0f63b18313423078b0edc4535e33"),
    pinned_digest("7d1633252ebbadaa75f96e9b4e6f7d43a90ceb3f843937482630f8da2459264e"),
    pinned_digest("bfc441408b2f806c5dbf180bd8920e6e60dd404d82141780d85dbf962954d386"),
};

/// AMD signs certificates and lists with RSASSA-PSS, SHA-384 and a salt of 48 bytes, nothing else.
constexpr SignatureScheme kAmdScheme = {SignatureScheme::Kind::rsa_pss, HashAlg::sha384, 48};
constexpr unsigned kAmdRsaBits = 4096;

/// How far a candidate path got; the farthest one is reported.
struct Path {
    const Certificate* intermediate = nullptr;
    const Certificate* root = nullptr;
    Status signatures;
    bool root_pinned = false;
    bool user_root = false;
    bool dated = false;

    int progress() const { return (root_pinned ? 4 : 0) + (signatures ? 2 : 0) + (dated ? 1 : 0); }
    bool good() const { return signatures && root_pinned; }
};

bool is_vek(const Certificate& certificate) {
    const std::string_view name = certificate.common_name();
    return name == "SEV-VCEK" || name == "SEV-VLEK";
}

Status check_amd_issuer(const Certificate& issuer, const Certificate& child) {
    if (issuer.public_key().kind() != KeyKind::rsa || issuer.public_key().bits() != kAmdRsaBits ||
        !(child.scheme() == kAmdScheme)) {
        return fail(Code::untrusted, "chain",
                    "RSASSA-PSS with RSA-4096, SHA-384 and salt 48 wanted");
    }
    return {};
}

Status check_amd_list(const Crl& crl, const Certificate& root) {
    if (!(crl.scheme() == kAmdScheme)) {
        return fail(Code::untrusted, "crl", "RSASSA-PSS with SHA-384 and salt 48 wanted");
    }
    return crl.verify_issued_by(root);
}

/// A certificate that is known byte by byte needs no signature; of any other with a trusted key,
/// every field is only as good as its self-signature.
bool known_root(const Certificate& root, const std::vector<UserRoot>& user_roots) {
    return std::ranges::find(kArkCertificates, sha256(root.der())) != kArkCertificates.end() ||
           std::ranges::any_of(user_roots, [&](const UserRoot& user) {
               return user.kind == RootKind::snp && equal(user.certificate.der(), root.der());
           });
}

Status verify_path(const Certificate& vek, const Certificate& intermediate, const Certificate& root,
                   const SnpInputs& inputs, ProvenSignatures& proven) {
    RATLS_CHECK(check_amd_issuer(intermediate, vek));
    RATLS_CHECK(check_amd_issuer(root, intermediate));
    RATLS_CHECK(check_amd_issuer(root, root));
    if (vek.is_ca()) {
        return fail(Code::untrusted, "chain", "the VCEK or VLEK is a CA");
    }
    RATLS_CHECK(proven.verify_issued_by(vek, intermediate, 0));
    RATLS_CHECK(proven.verify_issued_by(intermediate, root, 1));
    return known_root(root, inputs.user_roots) ? Status() : proven.verify_issued_by(root, root, 1);
}

class SnpVerifier {
  public:
    SnpVerifier(ByteView raw, const SnpInputs& inputs, Findings& out)
        : raw_(raw), inputs_(inputs), out_(out) {}

    std::optional<Verified<SnpEvidence>> run() {
        auto report = snp::parse_report(raw_);
        if (!report) {
            out_.fail("snp.format", "an ATTESTATION_REPORT", report.error().text());
            return std::nullopt;
        }
        out_.pass("snp.format", "version " + std::to_string(report->version));
        evidence_.report = *std::move(report);
        const Certificate* vek = choose_vek();
        if (vek == nullptr) {
            return std::nullopt;
        }
        check_vek(*vek);
        check_chain(*vek);
        check_report(*vek);
        if (out_.failed(Weight::sound) || out_.failed(Weight::needed)) {
            return std::nullopt;
        }
        return VerifierAccess::mark(std::move(evidence_));
    }

  private:
    /// Of several candidates, the one whose extensions fit the report.
    const Certificate* choose_vek() {
        const Certificate* first = nullptr;
        const Certificate* fitting = nullptr;
        for (const Certificate& candidate : inputs_.endorsements.certificates()) {
            if (!is_vek(candidate)) {
                continue;
            }
            first = first == nullptr ? &candidate : first;
            const auto vek = snp::parse_vek(candidate);
            if (fitting == nullptr && vek && vek->kind == evidence_.report.signing_key) {
                const auto tcb = snp::parse_tcb(evidence_.report.reported_tcb, vek->line);
                const bool same_chip = vek->kind == snp::SigningKey::vlek || chip_id_fits(*vek);
                fitting = tcb && *tcb == vek->tcb && same_chip ? &candidate : nullptr;
            }
        }
        out_.check("snp.vek.present", first != nullptr,
                   std::string(snp::signing_key_name(evidence_.report.signing_key)) +
                       " certificate among the endorsements",
                   first != nullptr ? "given" : "none given");
        return fitting != nullptr ? fitting : first;
    }

    bool chip_id_fits(const snp::Vek& vek) const {
        const ByteView chip(evidence_.report.chip_id);
        return equal(vek.hw_id, chip.first(vek.hw_id.size())) &&
               all_zero(chip.subspan(vek.hw_id.size()));
    }

    void check_vek(const Certificate& certificate) {
        auto vek = snp::parse_vek(certificate);
        if (!vek) {
            out_.fail("snp.vek.format", "the extensions of AMD 57230", vek.error().text());
            return;
        }
        out_.pass("snp.vek.format", vek->product_name);
        vek_known_ = true;
        evidence_.vek = *std::move(vek);
        const snp::Vek& known = evidence_.vek;
        const snp::Report& report = evidence_.report;
        out_.check("snp.vek.kind", known.kind == report.signing_key,
                   std::string(snp::signing_key_name(report.signing_key)),
                   std::string(snp::signing_key_name(known.kind)));
        // Version 2 does not name the processor: then the certificate alone does.
        const auto line = snp::line_from_cpuid(report.cpuid_fam_id, report.cpuid_mod_id);
        out_.check("snp.product", report.version == 2 || line == known.line,
                   std::string(snp::line_name(known.line)) + " by the certificate",
                   report.version == 2 ? "not in version 2 of the report"
                   : line              ? std::string(snp::line_name(*line))
                          : "unknown processor, family " + std::to_string(report.cpuid_fam_id) +
                                " model " + std::to_string(report.cpuid_mod_id));
        check_tcb(known, report);
        if (known.kind == snp::SigningKey::vlek) {
            out_.check("snp.vek.chip_id", all_zero(report.chip_id), "zero with a VLEK",
                       all_zero(report.chip_id) ? "zero" : "set");
        } else {
            const bool masked = all_zero(report.chip_id);
            out_.check("snp.vek.chip_id", masked || chip_id_fits(known), hex(known.hw_id),
                       masked ? "masked" : hex(report.chip_id));
        }
    }

    void check_tcb(const snp::Vek& vek, const snp::Report& report) {
        const auto reported = snp::parse_tcb(report.reported_tcb, vek.line);
        const auto current = snp::parse_tcb(report.current_tcb, vek.line);
        const auto committed = snp::parse_tcb(report.committed_tcb, vek.line);
        const auto launch = snp::parse_tcb(report.launch_tcb, vek.line);
        if (!reported || !current || !committed || !launch) {
            out_.fail("snp.tcb.consistency", "TCB versions in the layout of the product line",
                      "reserved bytes are set");
            return;
        }
        evidence_.reported = *reported;
        evidence_.current = *current;
        evidence_.committed = *committed;
        evidence_.launch = *launch;
        out_.check("snp.vek.tcb", *reported == vek.tcb, snp::tcb_text(*reported),
                   snp::tcb_text(vek.tcb));
        out_.check(
            "snp.tcb.consistency",
            snp::at_least(*current, *reported) && snp::at_least(*current, *committed),
            "reported and committed at most " + snp::tcb_text(*current),
            "reported " + snp::tcb_text(*reported) + "; committed " + snp::tcb_text(*committed));
    }

    void check_chain(const Certificate& vek) {
        std::vector<const Certificate*> intermediates;
        for (const Certificate& candidate : inputs_.endorsements.certificates()) {
            if (equal(candidate.subject(), vek.issuer()) && candidate.is_ca()) {
                intermediates.push_back(&candidate);
            }
        }
        std::vector<const Certificate*> roots;
        for (const Certificate& candidate : inputs_.endorsements.certificates()) {
            roots.push_back(&candidate);
        }
        for (const UserRoot& user : inputs_.user_roots) {
            const auto same = [&](const Certificate* root) {
                return equal(root->der(), user.certificate.der());
            };
            if (user.kind == RootKind::snp && std::ranges::none_of(roots, same)) {
                roots.push_back(&user.certificate);
            }
        }
        std::vector<Path> paths;
        for (const Certificate* intermediate : intermediates) {
            for (const Certificate* root : roots) {
                consider(vek, *intermediate, *root, paths);
            }
        }
        if (paths.empty()) {
            report_missing(vek, intermediates);
            return;
        }
        const Path& best = *std::ranges::max_element(paths, {}, &Path::progress);
        out_.pass("snp.chain.present", "given");
        out_.check("snp.chain.signatures", best.signatures.has_value(), "VEK, intermediate, root",
                   best.signatures ? "each signed by the next" : best.signatures.error().text());
        out_.check(
            "snp.chain.root", best.root_pinned,
            "SHA-256 of the public key as AMD published it, or a root from --trust-root",
            name_text(best.root->subject()) + ", " + hex(best.root->public_key().spki_sha256()));
        check_dates(vek, best);
        if (best.good()) {
            evidence_.user_root = best.user_root;
            check_revocation(*best.intermediate, *best.root, vek);
        }
    }

    void consider(const Certificate& vek, const Certificate& intermediate, const Certificate& root,
                  std::vector<Path>& paths) {
        if (!equal(root.subject(), intermediate.issuer())) {
            return;
        }
        Path path{&intermediate, &root,
                  verify_path(vek, intermediate, root, inputs_,
                              inputs_.proven != nullptr ? *inputs_.proven : nothing_proven_)};
        path.dated =
            verify_dates(intermediate, inputs_.now, "") && verify_dates(root, inputs_.now, "");
        for (const UserRoot& user : inputs_.user_roots) {
            path.user_root |=
                user.kind == RootKind::snp &&
                equal(user.certificate.public_key().spki_sha256(), root.public_key().spki_sha256());
        }
        const bool vendor = vek_known_ &&
                            root.common_name() == snp::root_name(evidence_.vek.line) &&
                            equal(root.public_key().spki_sha256(), pinned_ark(evidence_.vek.line));
        path.user_root = path.user_root && !vendor;
        path.root_pinned = vendor || path.user_root;
        paths.push_back(std::move(path));
    }

    void report_missing(const Certificate& vek,
                        const std::vector<const Certificate*>& intermediates) {
        const auto published = [](const Certificate* certificate) {
            return std::ranges::find(kIntermediates, certificate->public_key().spki_sha256()) !=
                   kIntermediates.end();
        };
        if (!intermediates.empty() && std::ranges::none_of(intermediates, published)) {
            out_.fail("snp.chain.root", "an intermediate that AMD published, or its root given",
                      "key " + hex(intermediates[0]->public_key().spki_sha256()) +
                          " is none of AMD's; if it is a new one, give its ARK by --endorsements");
            return;
        }
        out_.fail("snp.chain.present", "intermediate and root certificates (ASK or ASVK, ARK)",
                  intermediates.empty()
                      ? "no certificate " + name_text(vek.issuer())
                      : "no certificate " + name_text(intermediates[0]->issuer()));
    }

    void check_dates(const Certificate& vek, const Path& path) {
        for (const Certificate* certificate : {&vek, path.intermediate, path.root}) {
            const std::string_view name = certificate->common_name();
            if (auto status = verify_dates(*certificate, inputs_.now, name); !status) {
                out_.fail("snp.chain.dates", "valid at " + format_rfc3339(inputs_.now),
                          status.error().text());
                return;
            }
        }
        out_.pass("snp.chain.dates", "valid at " + format_rfc3339(inputs_.now));
    }

    /// The newest valid list wins; of two with the same date, both count. A list of another line is
    /// not ours to judge.
    void check_revocation(const Certificate& intermediate, const Certificate& root,
                          const Certificate& vek) {
        std::optional<UnixTime> newest;
        bool revoked = false;
        for (const Result<Crl>& crl : inputs_.endorsements.crls()) {
            if (crl && !equal(crl->issuer(), root.subject())) {
                continue;
            }
            Status status = crl ? check_amd_list(*crl, root) : std::unexpected(crl.error());
            if (status && (inputs_.now < crl->this_update() || inputs_.now > crl->next_update())) {
                status = fail(Code::stale, "crl",
                              "valid from " + format_rfc3339(crl->this_update()) + " to " +
                                  format_rfc3339(crl->next_update()));
            }
            if (!status) {
                out_.fail("snp.crl", "signed by the root, valid at " + format_rfc3339(inputs_.now),
                          status.error().text());
                return;
            }
            evidence_.crls.push_back({sha256(crl->der()), crl->this_update()});
            if (newest && crl->this_update() < *newest) {
                continue;
            }
            // All VCEKs have serial number 0, so only intermediates can be revoked in a useful way.
            const bool listed = crl->lists(intermediate.serial()) ||
                                (!all_zero(vek.serial()) && crl->lists(vek.serial()));
            revoked = listed || (revoked && newest == crl->this_update());
            newest = crl->this_update();
        }
        if (!newest) {
            return;
        }
        out_.pass("snp.crl", "issued " + format_rfc3339(*newest));
        out_.check("snp.revoked", !revoked, "not on the list",
                   revoked ? "revoked" : "not on the list");
        evidence_.revocation_checked = true;
    }

    void check_report(const Certificate& vek) {
        const snp::Report& report = evidence_.report;
        Status status;
        if (vek.public_key().kind() != KeyKind::p384) {
            status = fail(Code::untrusted, "snp.vek", "a P-384 key wanted");
        } else {
            status = vek.public_key().verify_ecdsa(HashAlg::sha384, report.signed_bytes,
                                                   report.signature_r, report.signature_s);
        }
        out_.check("snp.signature", status.has_value(), "ECDSA P-384 with SHA-384 by the VEK",
                   status ? "verified" : status.error().text());
    }

    ByteView raw_;
    const SnpInputs& inputs_;
    Findings& out_;
    SnpEvidence evidence_;
    ProvenSignatures nothing_proven_{0};
    bool vek_known_ = false;
};

}  // namespace

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

std::optional<Verified<SnpEvidence>> verify_snp(ByteView report, const SnpInputs& inputs,
                                                Findings& out) {
    Findings own;
    auto evidence = SnpVerifier(report, inputs, own).run();
    out.append(std::move(own));
    return evidence;
}

}  // namespace ratls::verify
