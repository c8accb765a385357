// Rules about the endorsement key of a TPM and its activation of a credential for the AK.
#include "verify/activation.h"

#include <doctest/doctest.h>

#include "ratls/codec/cbor.h"
#include "ratls/codec/hex.h"
#include "test/unit/ratls/crypto/make_certificate.h"
#include "test/unit/verify/scene.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

/// extendedKeyUsage with one purpose, by the hex of its OID's content.
Bytes extended_key_usage(const std::string& oid_hex, bool critical = false) {
    return extension(37, critical, sequence({der::encode(der::kOid, from_hex(oid_hex))}));
}
const std::string kEkPurpose = "6781050801";  // 2.23.133.8.1

/// As the TCG's profile wants it: critical, since the subject is empty.
Bytes tpm_name() {
    const Bytes directory_name = der::encode(0xa4, test::name("id:1"));
    return extension(17, true, sequence({directory_name}));
}

/// A VM whose TPM has an EK with a certificate of its maker, and the verifier's policy that wants
/// it activated. Each step of the activation can be changed.
class EkScene : public Scene {
  public:
    explicit EkScene(EkKind ek_kind = EkKind::p256) : kind(ek_kind) {
        user_roots.push_back({RootKind::tpm, certificate_of(root())});
        policy.tpm.ek_activation_required = true;
    }

    Pieces leaf_pieces() {
        Pieces out;
        out.issuer = test::name("CA");
        out.subject = test::name("");
        out.validity = sequence({utc_time("230101000000Z"), utc_time(leaf_not_after)});
        out.spki = (certified ? *certified : tpm.ek(kind).key()).spki();
        out.extensions = {tpm_name(), key_usage(kind == EkKind::rsa ? 0x20 : 0x08),
                          extended_key_usage(kEkPurpose)};
        return out;
    }
    Bytes leaf() {
        Pieces pieces = leaf_pieces();
        if (edit_leaf) {
            edit_leaf(pieces);
        }
        return pieces.build(ca_key);
    }
    Pieces ca_pieces(std::string_view subject, const PrivateKey& subject_key) const {
        Pieces out;
        out.issuer = test::name("Root");
        out.subject = test::name(subject);
        out.validity = sequence({utc_time("230101000000Z"), utc_time("330101000000Z")});
        out.spki = subject_key.public_key().spki();
        out.extensions = {ca(), key_usage(0x04)};
        return out;
    }
    Bytes root() const {
        Pieces pieces = ca_pieces("Root", root_key);
        pieces.validity = sequence({utc_time("230101000000Z"), utc_time(root_not_after)});
        return pieces.build(root_key);
    }
    Bytes intermediate() const {
        Pieces pieces = ca_pieces("CA", ca_key);
        if (edit_ca) {
            edit_ca(pieces);
        }
        return pieces.build(root_key);
    }

    Bytes ek_answer() {
        return cert::encode_ek_answer({{leaf(), intermediate()}, tpm.ek(kind).public_area()});
    }

    /// What the agent of this VM, or of another one, says; nothing: it refuses.
    std::optional<Bytes> answer_of(FakeTpm& asked, ByteView request, ByteView spki) const {
        const auto question = cert::parse_activation_request(request).value();
        const auto secret = asked.activate(kind, question.id_object, question.encrypted_secret);
        if (!secret) {
            return std::nullopt;
        }
        return cert::encode_activation_answer(
            cert::activation_proof(*secret, question.context, spki));
    }

    /// The whole of a live verification, with fresh evidence.
    VerificationResult activated() {
        return judged([&](const CertificateInputs& inputs, VerificationResult result) {
            activate(inputs, result);
            return result;
        });
    }
    using Then = std::function<VerificationResult(const CertificateInputs&, VerificationResult)>;
    VerificationResult judged(const Then& then) {
        const Bytes certificate_der = certificate();
        const Bytes answer = cert::encode_collection(collect(session_edits, true));
        return judge([&](const CertificateInputs& inputs) {
            const std::vector<Bytes> chain = {certificate_der};
            return then(inputs,
                        verify_session(certificate_of(certificate_der), answer, session, inputs,
                                       verify_certificate(chain, inputs, Stage::handshake)));
        });
    }
    void activate(const CertificateInputs& inputs, VerificationResult& result) {
        if (!only_activation_missing(result)) {
            return;
        }
        cert::ActivationContext context{};
        context.fill(0x42);
        const auto activation = begin_activation(given_ek_answer ? *given_ek_answer : ek_answer(),
                                                 context, Secret(Bytes(32, 0x43)), inputs, result);
        if (!activation) {
            return;
        }
        const Bytes spki = key.public_key().spki();
        const auto answer = answer_with ? answer_with(activation->request(), spki)
                                        : answer_of(tpm, activation->request(), spki);
        if (!answer) {
            refuse_activation("no answer", inputs, result);
            return;
        }
        finish_activation(*activation, *answer, spki, inputs, result);
    }

    EkKind kind;
    PrivateKey root_key = PrivateKey::generate(KeyKind::p256).value();
    PrivateKey ca_key = PrivateKey::generate(KeyKind::p256).value();
    std::string leaf_not_after = "330101000000Z";
    std::string root_not_after = "330101000000Z";
    std::optional<PublicKey> certified;  ///< instead of the EK
    std::function<void(Pieces&)> edit_leaf;
    std::function<void(Pieces&)> edit_ca;
    std::optional<Bytes> given_ek_answer;
    std::function<std::optional<Bytes>(ByteView request, ByteView spki)> answer_with;
};

}  // namespace

TEST_CASE("tpm.activation: a TPM that its maker certifies and that holds the AK is accepted") {
    for (const EkKind kind : kEkKinds) {
        EkScene scene(kind);
        const VerificationResult result = scene.activated();
        CHECK(summary(result) == "accepted");
        CHECK(passed(result, "tpm.ek_chain"));
        CHECK(passed(result, "tpm.activation"));
        CHECK(result.tpm.name == "tee-vouched+ek-activated");
        CHECK(result.tpm.excludes_host);
        CHECK(result.tpm.excludes_guest_root);
        CHECK(result.tpm.assumption.find("any TPM below the given root") != std::string::npos);
        CHECK(not_checked(result, "which TPM it is"));
        const Json* ek = result.claims.find("ek");
        REQUIRE(ek != nullptr);
        CHECK(*ek->find("spki_sha256")->if_string() == hex(scene.tpm.ek(kind).key().spki_sha256()));
    }
}

TEST_CASE("tpm.activation: a policy that does not require it does not look at it") {
    EkScene scene;
    scene.policy.tpm.ek_activation_required = false;
    const VerificationResult result = scene.activated();
    CHECK(summary(result) == "accepted");
    CHECK(result.tpm.name == "tee-vouched");
    CHECK_FALSE(result.findings.has("tpm.activation", Verdict::pass));
}

TEST_CASE("tpm.activation: until it is done, nothing is accepted") {
    EkScene scene;
    CHECK(summary(scene.fresh()) == "refused: tpm.activation");
    scene.max_fresh = 0;
    scene.crl.reset();
    scene.policy.snp.revocation_waived = true;
    scene.policy.freshness.ask(0);
    CHECK(summary(scene.without_fresh()) ==
          "refused: tpm.activation (waived: snp.revocation, freshness.required)");
}

TEST_CASE("tpm.activation: a certificate in a file and a raw quote need a live host") {
    EkScene scene;
    scene.max_fresh = 0;
    const VerificationResult file = scene.verify(Stage::file);
    CHECK(summary(file) == "refused: tpm.activation");
    scene.evidence_only = true;
    CHECK(summary(scene.verify(Stage::file)) == "refused: tpm.activation");
    const RawTpm raw = scene.raw_quote({{HashAlg::sha256, 0xffff}}, Bytes(32, 1));
    const VerificationResult quote = scene.verify_quote(raw, Bytes(32, 1));
    CHECK(summary(quote) == "refused: tpm.activation");
    for (const VerificationResult& result : {file, quote}) {
        for (const Finding& finding : result.findings.all()) {
            if (finding.rule == "tpm.activation") {
                CHECK(finding.actual == "a live host is needed");
            }
        }
    }
}

TEST_CASE("tpm.activation: it waits for all other rules, and does not mend them") {
    EkScene scene;
    scene.snapshot->pcrs->at(7) = {Bytes(32, 1)};
    CHECK(summary(scene.activated()) == "refused: tpm.pcrs, tpm.activation");
    EkScene no_tpm;
    no_tpm.has_tpm = false;
    no_tpm.has_ima = false;
    no_tpm.has_boot_log = false;
    no_tpm.snapshot->pcrs.reset();
    no_tpm.snapshot->ima.reset();
    CHECK(summary(no_tpm.activated()) == "refused: tpm.present, tpm.activation");
    EkScene unsound;
    unsound.session_edits.attest = [](Bytes& attest) { attest[kAttestSafe] = 0; };
    CHECK(summary(unsound.activated()) == "refused: tpm.clock, tpm.activation");
}

TEST_CASE("tpm.activation: the evidence alone is genuine after it, not before") {
    EkScene scene;
    scene.evidence_only = true;
    CHECK(summary(scene.fresh()) == "refused: tpm.activation");
    CHECK(summary(scene.activated()) == "genuine");
}

TEST_CASE("tpm.activation: another TPM of the same maker cannot answer, nor pass on the question") {
    EkScene scene;
    FakeTpm other;
    scene.answer_with = [&](ByteView request, ByteView spki) {
        return scene.answer_of(other, request, spki);
    };
    CHECK(summary(scene.activated()) == "refused: tpm.activation");
    // The EK and certificate of the other, which does not hold the AK of the quote.
    EkScene relay;
    FakeTpm stranger;
    relay.certified = stranger.ek(EkKind::p256).key();
    relay.given_ek_answer = cert::encode_ek_answer(
        {{relay.leaf(), relay.intermediate()}, stranger.ek(EkKind::p256).public_area()});
    relay.answer_with = [&](ByteView request, ByteView spki) {
        CHECK_FALSE(relay.answer_of(relay.tpm, request, spki));
        return relay.answer_of(stranger, request, spki);
    };
    const VerificationResult result = relay.activated();
    CHECK(summary(result) == "refused: tpm.activation");
    CHECK(passed(result, "tpm.ek_chain"));
    CHECK(result.tpm.name == "tee-vouched");
    CHECK_FALSE(result.tpm.excludes_guest_root);
}

TEST_CASE("tpm.activation: a proof about another key or context is refused") {
    EkScene scene;
    // An agent elsewhere that serves the same TPM answers about its own key.
    scene.answer_with = [&](ByteView request, ByteView) {
        return scene.answer_of(scene.tpm, request,
                               PrivateKey::generate(KeyKind::p256).value().public_key().spki());
    };
    CHECK(summary(scene.activated()) == "refused: tpm.activation");
    scene.answer_with = [&](ByteView request, ByteView spki) {
        auto question = cert::parse_activation_request(request).value();
        question.context[0] ^= 1;
        return scene.answer_of(scene.tpm, cert::encode_activation_request(question), spki);
    };
    CHECK(summary(scene.activated()) == "refused: tpm.activation");
    scene.answer_with = {};
    CHECK(summary(scene.activated()) == "accepted");
}

TEST_CASE("tpm.activation: an answer of another size or form is refused") {
    const auto with = [](std::optional<Bytes> answer) {
        EkScene scene;
        scene.answer_with = [&](ByteView, ByteView) { return answer; };
        return summary(scene.activated());
    };
    const auto sized = [](std::size_t size) {
        return cbor::Encoder().map(1).uint(1).bytes(Bytes(size)).take();
    };
    for (const auto& answer :
         {std::optional<Bytes>(), std::optional(Bytes()), std::optional(sized(0)),
          std::optional(sized(31)), std::optional(sized(32)), std::optional(sized(33)),
          std::optional(Bytes(32, 0x43))}) {
        CHECK(with(answer) == "refused: tpm.activation");
    }
    EkScene scene;
    scene.answer_with = [&](ByteView request, ByteView spki) {
        auto answer = scene.answer_of(scene.tpm, request, spki);
        answer->back() ^= 1;
        return answer;
    };
    CHECK(summary(scene.activated()) == "refused: tpm.activation");
}

TEST_CASE("tpm.activation: a proof counts once, and for the evidence that it was asked about") {
    EkScene scene;
    const VerificationResult twice =
        scene.judged([&](const CertificateInputs& inputs, VerificationResult result) {
            const auto activation =
                begin_activation(scene.ek_answer(), {}, Secret(Bytes(32, 1)), inputs, result);
            REQUIRE(activation);
            const Bytes spki = scene.key.public_key().spki();
            const auto answer = scene.answer_of(scene.tpm, activation->request(), spki);
            VerificationResult other = result;
            other.ak_name->back() ^= 1;
            finish_activation(*activation, *answer, spki, inputs, other);
            CHECK(summary(other) == "refused: tpm.activation");
            VerificationResult failed = result;
            failed.findings.fail("tpm.clock", "safe", "not safe");
            finish_activation(*activation, *answer, spki, inputs, failed);
            CHECK(summary(failed) == "refused: tpm.clock, tpm.activation");
            finish_activation(*activation, *answer, spki, inputs, result);
            CHECK(summary(result) == "accepted");
            finish_activation(*activation, *answer, spki, inputs, result);
            return result;
        });
    CHECK(summary(twice) == "refused: tpm.activation");
}

TEST_CASE("tpm.ek_chain: no root, a root of another kind, another root are refused") {
    EkScene none;
    none.user_roots.pop_back();
    CHECK(summary(none.activated()) == "invalid: tpm.ek_chain, tpm.activation");
    EkScene other_kind;
    other_kind.user_roots.back().kind = RootKind::snp;
    CHECK(summary(other_kind.activated()) == "invalid: tpm.ek_chain, tpm.activation");
    EkScene other_root;
    EkScene another;
    other_root.user_roots.back() = {RootKind::tpm, certificate_of(another.root())};
    CHECK(summary(other_root.activated()) == "invalid: tpm.ek_chain, tpm.activation");
    EkScene carried;  // nothing that the host sends is ever a root
    carried.user_roots.pop_back();
    carried.given_ek_answer =
        cert::encode_ek_answer({{carried.leaf(), carried.intermediate(), carried.root()},
                                carried.tpm.ek(EkKind::p256).public_area()});
    CHECK(summary(carried.activated()) == "invalid: tpm.ek_chain, tpm.activation");
    carried.user_roots.push_back({RootKind::tpm, certificate_of(carried.root())});
    CHECK(summary(carried.activated()) == "accepted");
}

TEST_CASE("tpm.ek_chain: an expired certificate is refused, to the second") {
    EkScene scene;
    scene.leaf_not_after = "240104120000Z";  // kNow
    CHECK(summary(scene.activated()) == "accepted");
    scene.leaf_not_after = "240104115959Z";
    CHECK(summary(scene.activated()) == "invalid: tpm.ek_chain, tpm.activation");
}

TEST_CASE("tpm.ek_chain: an expired root is refused, to the second") {
    EkScene scene;
    const auto with_root_until = [&](const std::string& until) {
        scene.root_not_after = until;
        scene.user_roots.back() = {RootKind::tpm, certificate_of(scene.root())};
        return summary(scene.activated());
    };
    CHECK(with_root_until("240104120000Z") == "accepted");  // kNow
    CHECK(with_root_until("240104115959Z") == "invalid: tpm.ek_chain, tpm.activation");
}

TEST_CASE("tpm.ek_chain: the certificate of another key is refused") {
    EkScene scene;
    scene.certified = FakeEk(KeyKind::p256).key();
    CHECK(summary(scene.activated()) == "invalid: tpm.ek_chain, tpm.activation");
}

TEST_CASE("tpm.ek_chain: a certificate that is not one for EKs is refused") {
    const auto with = [](const std::function<void(Pieces&)>& edit) {
        EkScene scene;
        scene.edit_leaf = edit;
        return summary(scene.activated());
    };
    const std::string refused = "invalid: tpm.ek_chain, tpm.activation";
    CHECK(with([](Pieces&) {}) == "accepted");
    CHECK(with([](Pieces& p) { p.extensions.pop_back(); }) == refused);  // no purpose
    CHECK(with([](Pieces& p) { p.extensions[2] = extended_key_usage("6781050803"); }) ==
          refused);  // that of an AK
    CHECK(with([](Pieces& p) { p.extensions[2] = extended_key_usage(kEkPurpose, true); }) ==
          "accepted");
    CHECK(with([](Pieces& p) { p.extensions[1] = key_usage(0x80); }) ==
          refused);  // digitalSignature
    CHECK(with([](Pieces& p) { p.extensions[1] = key_usage(0x0c); }) == refused);  // signs others
    CHECK(with([](Pieces& p) { p.extensions.erase(p.extensions.begin() + 1); }) == refused);
    CHECK(with([](Pieces& p) { p.extensions.push_back(ca()); }) == refused);
    CHECK(with([](Pieces& p) { p.extensions.push_back(extension(99, true, {})); }) ==
          refused);  // critical, and nobody knows what it says
    CHECK(with([](Pieces& p) { p.extensions.push_back(extension(99, false, {})); }) == "accepted");
}

TEST_CASE("tpm.ek_chain: a CA that is none, or a broken chain, is refused") {
    EkScene no_ca;
    no_ca.edit_ca = [](Pieces& pieces) { pieces.extensions = {key_usage(0x04)}; };
    CHECK(summary(no_ca.activated()) == "invalid: tpm.ek_chain, tpm.activation");
    EkScene broken;
    broken.given_ek_answer =
        cert::encode_ek_answer({{broken.leaf()}, broken.tpm.ek(EkKind::p256).public_area()});
    CHECK(summary(broken.activated()) == "invalid: tpm.ek_chain, tpm.activation");
    EkScene forged;
    forged.edit_leaf = [](Pieces& pieces) { pieces.issuer = test::name("Root"); };
    CHECK(summary(forged.activated()) == "invalid: tpm.ek_chain, tpm.activation");
}

TEST_CASE("tpm.ek_chain: an EK that could leave its TPM, or sign, is refused") {
    EkScene scene;
    scene.tpm.ek(EkKind::p256).attributes &= ~(1U << 1);  // fixedTPM
    CHECK(summary(scene.activated()) == "invalid: tpm.ek_chain, tpm.activation");
    scene.tpm.ek(EkKind::p256).attributes |= 1U << 1 | 1U << 18;  // sign
    CHECK(summary(scene.activated()) == "invalid: tpm.ek_chain, tpm.activation");
}

TEST_CASE("tpm.ek_chain: an answer that is none is refused, every truncation of one too") {
    EkScene scene;
    const Bytes good = scene.ek_answer();
    for (std::size_t size = 0; size < good.size(); size += 97) {
        scene.given_ek_answer = to_bytes(ByteView(good).first(size));
        REQUIRE(summary(scene.activated()) == "invalid: tpm.ek_chain, tpm.activation");
    }
}

TEST_CASE("tpm.ek_key: only an EK that the policy pins counts, and the result says which") {
    EkScene scene;
    scene.policy.tpm.ek_keys = {Bytes(32, 1)};
    CHECK(summary(scene.activated()) == "refused: tpm.ek_key, tpm.activation");
    const Sha256Digest own = scene.tpm.ek(EkKind::p256).key().spki_sha256();
    scene.policy.tpm.ek_keys.push_back(to_bytes(own));
    const VerificationResult result = scene.activated();
    CHECK(summary(result) == "accepted");
    CHECK(passed(result, "tpm.ek_key"));
    CHECK_FALSE(not_checked(result, "which TPM it is"));
    CHECK(result.tpm.assumption.find("the policy names this EK") != std::string::npos);
}

TEST_CASE("tpm.class: without a TEE an activated EK is enough only by a named waiver") {
    EkScene scene;
    scene.has_tee = false;
    scene.policy.tee_required = false;
    scene.snapshot->snp.reset();
    CHECK(summary(scene.activated()) == "refused: tpm.class, tpm.activation");
    scene.policy.tpm.provider_trusted = true;
    const VerificationResult result = scene.activated();
    CHECK(summary(result) == "accepted (waived: tpm.class)");
    CHECK(result.tpm.name == "ek-activated");
    CHECK(result.root == "user");
    CHECK_FALSE(result.tpm.excludes_host);
    CHECK(result.tpm.excludes_guest_root);
    CHECK(summary(scene.fresh()) == "refused: tpm.activation (waived: tpm.class)");
    scene.user_roots.pop_back();
    CHECK(summary(scene.activated()) ==
          "invalid: tpm.ek_chain, tpm.activation (waived: tpm.class)");
    scene.policy.tpm.ek_activation_required = false;  // then nothing names the AK
    CHECK(summary(scene.activated()) == "refused: tpm.class");
}
