#include "test/unit/verify/scene.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "ratls/base/writer.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/log.h"
#include "test/support/piece_log.h"

namespace ratls::test {
namespace {

using verify::Outcome;
using verify::Verdict;

constexpr std::string_view kImaLog = "/ima/binary_runtime_measurements";
constexpr std::string_view kBootLog = "/tpm0/binary_bios_measurements";
constexpr std::string_view kCcel = "/acpi/CCEL";
constexpr unsigned kBootPcrs = 10;
constexpr std::uint32_t kEventTag = 6;  // EV_EVENT_TAG
constexpr std::uint8_t kAgentByte = 0xa1;
constexpr std::uint8_t kPolicyByte = 0xa2;
constexpr std::uint8_t kShellByte = 0xa3;
constexpr std::size_t kReportSigned = 0x2a0;
constexpr std::size_t kComponentSize = 72;

template <typename T>
T take(Result<T> result) {
    if (!result) {
        throw std::runtime_error(result.error().text());
    }
    return *std::move(result);
}

PrivateKey new_key(KeyKind kind = KeyKind::p256) {
    return take(PrivateKey::generate(kind));
}

PrivateKey copy_of(const PrivateKey& key) {
    return take(PrivateKey::parse(take(key.pem()).reveal()));
}

/// The TEE, with reports from the pretended one.
class SceneQuoteProvider : public QuoteProvider {
  public:
    explicit SceneQuoteProvider(const Scene& scene) : scene_(scene) {}
    Result<TeeQuote> quote(const std::array<std::uint8_t, 64>& report_data) override {
        if (scene_.tdx_quote) {
            return TeeQuote{.kind = "tdx_guest", .report = scene_.tdx_quote(report_data)};
        }
        return TeeQuote{.kind = "sev_guest", .report = scene_.tee.report(report_data)};
    }

  private:
    const Scene& scene_;
};

std::vector<tpm::PcrSelection> native_selection() {
    return {{HashAlg::sha256, 0xffff}};
}

Bytes boot_pcr(FakeTpm& tpm, unsigned index) {
    return to_bytes(take(tpm.read_pcrs(HashAlg::sha256, std::array{index}))[0].view());
}

}  // namespace

Bytes variant(const std::string& name) {
    const char* folder =
        std::getenv("RATLS_TEST_VERIFY_PKI");  // allowed: Meson tells it the test this way
    if (folder == nullptr) {
        throw std::runtime_error("RATLS_TEST_VERIFY_PKI is not set: run this test with meson test");
    }
    return take(LinuxFiles().read(std::string(folder) + "/" + name + ".der", 1024 * 1024));
}

Certificate certificate_of(ByteView der) {
    return take(Certificate::parse(der));
}

Scene::Scene()
    : tee(snp_pki_folder()),
      tee_key(take(PrivateKey::parse(snp_pki("vcek.key.pem")))),
      ak(new_key()),
      tpm(copy_of(ak)),
      key(new_key()),
      vek(tee.vcek()),
      ask(tee.ask()),
      crl(tee.crl()),
      snapshot_key(new_key()) {
    // The boot: one event in each PCR that firmware and loader have.
    EventLogBuilder events({HashAlg::sha256});
    for (unsigned index = 0; index < kBootPcrs; ++index) {
        const Bytes data = text_bytes("boot stage " + std::to_string(index));
        events.add(index, kEventTag, data);
        tpm.extend(index, HashAlg::sha256, sha256(data));
    }
    boot_log = events.log();

    Bytes pcrs;
    for (unsigned index = 0; index < kBootPcrs; ++index) {
        append(pcrs, boot_pcr(tpm, index));
    }
    ima.add("boot_aggregate", sha256(pcrs));
    add_file("/usr/bin/ratls-agent", kAgentByte);
    add_file("/etc/ima/ima-policy", kPolicyByte);
    add_file("/bin/sh", kShellByte);

    user_roots.push_back({verify::RootKind::snp, certificate_of(tee.ark())});
    session.nonce.fill(0x17);
    session.exporter.fill(0x18);
    session.leaf_spki_sha256 = key.public_key().spki_sha256();

    verify::Snapshot reference;
    reference.name = "scene";
    reference.sequence = 7;
    reference.not_before = kNow - kDay;
    reference.not_after = kNow + kDay;
    reference.origin = "built";
    reference.dialects = {"ratls-vm/1"};
    reference.snp.emplace();
    reference.snp->measurements.push_back(
        {to_bytes(tee.fields.measurement), {"firmware", "kernel", "initrd", "cmdline"}, ""});
    reference.pcrs.emplace();
    for (unsigned index = 0; index < cert::kQuotedPcrs; ++index) {
        if (index != ima::kImaPcr) {
            (*reference.pcrs)[index] = {boot_pcr(tpm, index)};
        }
    }
    reference.ima.emplace();
    reference.ima->require = {{"/usr/bin/ratls-agent", {file_digest_text(kAgentByte)}},
                              {"/etc/ima/ima-policy", {file_digest_text(kPolicyByte)}}};
    reference.ima->allow = {{"/bin/sh", {file_digest_text(kShellByte)}}};
    snapshot = std::move(reference);
}

void Scene::give_certificates() {
    for (std::optional<Bytes>* certificate : {&vek, &ask}) {
        if (*certificate) {
            endorsements.add_file("given", **certificate);
            certificate->reset();
        }
    }
}

void Scene::add_file(std::string_view path, std::uint8_t digest_byte) {
    ima.add(path, file_digest(digest_byte));
    ima_quoted = ima.size();
}

std::string Scene::file_digest_text(std::uint8_t byte) {
    return "sha256:" + hex(file_digest(byte));
}

void Scene::set_pcr10() {
    tpm.set_pcr(ima::kImaPcr, HashAlg::sha256, ima.pcr(HashAlg::sha256, ima_quoted));
}

Bytes Scene::sign_attest(ByteView attest) const {
    const Bytes rs = take(ak.sign_ecdsa(HashAlg::sha256, attest));
    Writer out;
    out.u16_be(tpm::kEcdsa).u16_be(tpm::kSha256);
    out.u16_be(32).bytes(ByteView(rs).first(32));
    out.u16_be(32).bytes(ByteView(rs).last(32));
    return out.take();
}

void Scene::sign_report(Bytes& report) const {
    const ByteView content = ByteView(report).first(kReportSigned);
    const Bytes rs = take(tee_key.sign_ecdsa(HashAlg::sha384, content));
    for (std::size_t half = 0; half < 2; ++half) {
        const ByteView number = ByteView(rs).subspan(half * 48, 48);
        std::copy(
            number.rbegin(), number.rend(),
            report.begin() + static_cast<std::ptrdiff_t>(kReportSigned + half * kComponentSize));
    }
}

void Scene::sign_again(const Edits& wanted, cert::Collection& out) {
    if (out.tee) {
        const auto report_data = cert::report_data(out.claims_buffer);
        out.tee->evidence = tdx_quote ? tdx_quote(report_data) : tee.report(report_data);
        if (wanted.report) {
            wanted.report(out.tee->evidence);
            sign_report(out.tee->evidence);
        }
    }
    if (out.tpm) {
        const auto tee_evidence =
            out.tee ? std::optional<ByteView>(out.tee->evidence) : std::nullopt;
        const SignedQuote quote = take(
            tpm.quote(cert::qualifying_data(out.claims_buffer, tee_evidence), native_selection()));
        out.tpm->attest = quote.attest;
        if (wanted.attest) {
            wanted.attest(out.tpm->attest);
        }
        out.tpm->signature = sign_attest(out.tpm->attest);
    }
}

cert::Collection Scene::collect(const Edits& wanted, bool fresh) {
    set_pcr10();
    FakeFiles files;
    // The log as it was at the quote; what the verifier is given may be longer.
    const Bytes log = ima.log();
    files.put(std::string(kImaLog), to_bytes(ByteView(log).first(ima.offset(ima_quoted))));
    files.put(std::string(kBootLog), boot_log);
    const FakeClock clock(now);
    SceneQuoteProvider provider(*this);
    EvidenceSources sources;
    sources.tee = has_tee ? &provider : nullptr;
    sources.tpm = has_tpm ? &tpm : nullptr;
    sources.ima_log = has_ima ? kImaLog : "";
    sources.boot_log = has_boot_log ? kBootLog : "";
    if (ccel) {
        files.put(std::string(kCcel), *ccel);
        sources.ccel = kCcel;
    }
    sources.endorsements.documents = documents;
    const auto add = [&](std::uint64_t label, const std::optional<Bytes>& document) {
        if (document) {
            sources.endorsements.documents[label] = *document;
        }
    };
    add(cert::endorsement::kVek, vek);
    add(cert::endorsement::kAsk, ask);
    add(cert::endorsement::kAmdCrl, crl);

    ClaimsRequest request;
    request.spki_sha256 = key.public_key().spki_sha256();
    request.not_before = not_before;
    request.not_after = not_after;
    request.service_names = service_names;
    request.other_spki = other_spki;
    request.max_fresh = max_fresh;
    request.key_origin = key_origin;
    const verify::Session& told = attested_session ? *attested_session : session;
    if (fresh) {
        request.binding = ClaimsRequest::Binding{told.nonce, told.exporter};
    }
    cert::Collection out = take(Attester(sources, files, clock).collect(request));
    const bool other_role = fresh && attested_role != cert::Role::server;
    if (wanted.claims || other_role) {
        cert::Claims claims = take(cert::parse_claims(out.claims_buffer));
        if (other_role) {
            claims.binder =
                cert::binder(attested_role, request.spki_sha256, told.nonce, told.exporter);
        }
        if (wanted.claims) {
            wanted.claims(claims);
        }
        out.claims_buffer = cert::encode_claims(claims);
    }
    if (wanted.claims || other_role || wanted.report || wanted.attest) {
        sign_again(wanted, out);
    }
    if (wanted.collection) {
        wanted.collection(out);
    }
    return out;
}

Bytes Scene::certificate() {
    return take(cert::issue({.dns_names = dns_names,
                             .not_before = not_before,
                             .not_after = not_after,
                             .collection = collect(edits, false)},
                            key));
}

std::string Scene::signed_snapshot() const {
    return take(verify::sign_snapshot(snapshot_json(*snapshot), snapshot_key)).pretty();
}

verify::VerificationResult Scene::judge(const Judge& with) {
    verify::Context context{policy, endorsements, user_roots, now, {}};
    context.ima = memory;
    std::optional<verify::Snapshot> parsed;
    std::optional<verify::SnapshotInput> input;
    if (snapshot || snapshot_text) {
        const std::string text = snapshot_text ? *snapshot_text : signed_snapshot();
        const auto read = take(verify::SnapshotText::read(to_bytes(as_bytes(text))));
        const Status signature = read.verify(snapshot_key.public_key());
        parsed = take(verify::parse_snapshot(read));
        input.emplace(verify::SnapshotInput{
            .snapshot = &*parsed,
            .signature_fault = signature ? std::nullopt : std::optional(signature.error())});
        if (signature) {
            input->signers = {hex(snapshot_key.public_key().spki_sha256())};
            input->sequences = sequences;
        }
    }
    const Bytes log = given_log ? *given_log : ima.log();
    const Bytes boot = given_boot_log ? *given_boot_log : ccel.value_or(boot_log);
    verify::CertificateInputs inputs{.context = context,
                                     .snapshot = input,
                                     .evidence_only = evidence_only,
                                     .name = name,
                                     .ima_log = nullptr,
                                     .ima_log_first = given_log_first,
                                     .boot_log = std::nullopt};
    const ByteView rest = ByteView(log).subspan(ima.offset(given_log_first));
    ima::MemoryLog whole(rest);
    PieceLog pieces(rest, piece);
    if (log_breaks_off) {
        pieces.broken_from = 1;
    }
    if (log_at_hand) {
        inputs.ima_log = piece == 0 ? static_cast<ima::LogSource*>(&whole) : &pieces;
    }
    if (boot_log_at_hand) {
        inputs.boot_log = boot;
    }
    return with(inputs);
}

verify::VerificationResult Scene::verify_chain(const std::vector<Bytes>& chain,
                                               verify::Stage stage) {
    return judge([&](const verify::CertificateInputs& inputs) {
        return verify::verify_certificate(chain, inputs, stage);
    });
}

verify::VerificationResult Scene::verify(verify::Stage stage) {
    return verify_chain({certificate()}, stage);
}

verify::VerificationResult Scene::without_fresh() {
    const std::vector<Bytes> chain = {certificate()};
    const auto native = take(cert::parse_native(certificate_of(chain[0])));
    return judge([&](const verify::CertificateInputs& inputs) {
        return verify::conclude_handshake(
            native.claims, inputs,
            verify::verify_certificate(chain, inputs, verify::Stage::handshake));
    });
}

verify::VerificationResult Scene::verify_answer(const Bytes& certificate, ByteView answer) {
    const std::vector<Bytes> chain = {certificate};
    return judge([&](const verify::CertificateInputs& inputs) {
        return verify::verify_session(
            certificate_of(certificate), answer, session, inputs,
            verify::verify_certificate(chain, inputs, verify::Stage::handshake));
    });
}

verify::VerificationResult Scene::fresh() {
    const Bytes leaf = certificate();
    return verify_answer(leaf, cert::encode_collection(collect(session_edits, true)));
}

verify::VerificationResult Scene::verify_report(ByteView report, std::optional<Bytes> nonce) {
    for (const std::optional<Bytes>& document : {vek, ask, crl}) {
        if (document) {
            endorsements.add_file("endorsement", *document);
        }
    }
    return verify::verify_raw_snp(report,
                                  {policy, endorsements, user_roots, now, std::move(nonce)});
}

verify::VerificationResult Scene::verify_quote(const verify::RawTpm& raw,
                                               std::optional<Bytes> nonce) {
    return verify::verify_raw_tpm(raw, {policy, endorsements, user_roots, now, std::move(nonce)});
}

verify::RawTpm Scene::raw_quote(const std::vector<tpm::PcrSelection>& selection, ByteView nonce) {
    set_pcr10();
    const SignedQuote quote = take(tpm.quote(nonce, selection));
    verify::RawTpm out{quote.attest, quote.signature, take(tpm.ak_public()), {}, {}};
    out.pcrs.emplace();
    for (const tpm::PcrSelection& bank : selection) {
        for (unsigned index = 0; index < tpm::kPcrCount; ++index) {
            if (((bank.mask >> index) & 1) != 0) {
                const auto value = take(tpm.read_pcrs(bank.bank, std::array{index}));
                out.pcrs->push_back({bank.bank, index, to_bytes(value[0].view())});
            }
        }
    }
    return out;
}

void use_milan(Scene& scene) {
    scene.user_roots = {{verify::RootKind::snp, certificate_of(variant("ark-of-milan"))}};
    scene.vek = variant("vcek-of-milan");
    scene.ask = variant("ask-of-milan");
    scene.crl = variant("crl-of-milan");
    scene.tee.fields.cpuid = {0x19, 0x01, 0x01};
}

void use_turin(Scene& scene) {
    scene.user_roots = {{verify::RootKind::snp, certificate_of(variant("ark-turin"))}};
    scene.vek = variant("vcek-turin");
    scene.ask = variant("ask-turin");
    scene.crl = variant("crl-turin");
    SnpFields& fields = scene.tee.fields;
    fields.cpuid = {0x1a, 0x02, 0x01};
    // TCB_VERSION of Turin: FMC first, the others behind it.
    fields.current_tcb = {5, 10, 0, 23, 0, 0, 0, 200};
    fields.reported_tcb = fields.committed_tcb = fields.launch_tcb = fields.current_tcb;
    std::fill(fields.chip_id.begin() + 8, fields.chip_id.end(), std::uint8_t{0});
}

void use_vlek(Scene& scene) {
    scene.vek = variant("vlek");
    scene.ask = variant("asvk");
    scene.tee.fields.key_info = 1U << 2;
    scene.tee.fields.chip_id.fill(0);
    scene.policy.snp.allow_masked_chip_id = true;
}

std::string summary(const verify::VerificationResult& result) {
    const auto rules = [&](Verdict verdict) {
        std::vector<std::string> seen;
        std::string out;
        for (const verify::Finding& finding : result.findings.all()) {
            if (finding.verdict == verdict && std::ranges::find(seen, finding.rule) == seen.end()) {
                seen.push_back(finding.rule);
                out += (out.empty() ? "" : ", ") + finding.rule;
                // No finding says "wanted X, found X".
                const bool same = verdict == Verdict::fail && finding.expected == finding.actual;
                out += same ? " (wanted is what was found)" : "";
            }
        }
        return out;
    };
    const std::string failed = rules(Verdict::fail);
    const std::string waived = rules(Verdict::waived);
    return std::string(verify::outcome_name(result.outcome)) + (failed.empty() ? "" : ": ") +
           failed + (waived.empty() ? "" : " (waived: " + waived + ")");
}

bool passed(const verify::VerificationResult& result, std::string_view rule) {
    return result.findings.has(rule, Verdict::pass) && !result.findings.has(rule, Verdict::fail);
}

bool not_checked(const verify::VerificationResult& result, std::string_view what) {
    return std::ranges::any_of(result.not_checked, [&](const std::string& item) {
        return item.find(what) != std::string::npos;
    });
}

}  // namespace ratls::test
