// Rules about the certificate that a cloud provider gives to the key of a virtual TPM.
#include <doctest/doctest.h>

#include "test/unit/ratls/crypto/make_certificate.h"
#include "test/unit/verify/scene.h"
#include "verify/formats/ak_certificate.h"

using namespace ratls;
using namespace ratls::test;
using namespace ratls::verify;

namespace {

Bytes utf8(std::string_view text) {
    return der::encode(der::kUtf8String, as_bytes(text));
}

/// The extension as Google writes it.
Bytes instance_extension(bool production, std::string_view project = "project-1") {
    const Bytes flag = der::encode(der::kBoolean, Bytes{std::uint8_t(production ? 0xff : 0)});
    const Bytes properties = sequence({der::encode(der::context(0), from_hex("020100")),
                                       der::encode(der::context(1), flag),
                                       der::encode(der::context(2), from_hex("020100"))});
    const Bytes value =
        sequence({utf8("us-central1-a"), from_hex("02027777"), utf8(project), from_hex("02023039"),
                  utf8("vm-1"), der::encode(der::context(0), properties)});
    return sequence({from_hex("060a2b06010401d679020115"), der::encode(der::kOctetString, value)});
}

/// A VM whose AK has a certificate of a provider below a root of its own.
class CloudScene : public Scene {
  public:
    CloudScene() {
        user_roots.push_back({RootKind::tpm, certificate_of(root())});
        policy.tpm.instances = {{"project-1", "us-central1-a", "12345"}};
        edits.collection = [this](cert::Collection& collection) {
            collection.tpm->ak_certificates = {leaf(), intermediate()};
        };
    }

    Bytes make(const PrivateKey& subject_key, const PrivateKey& signer, std::string_view subject,
               std::string_view issuer, const Bytes& extensions, const std::string& until) const {
        const Bytes algorithm = from_hex("300a06082a8648ce3d040302");
        const Bytes tbs =
            sequence({from_hex("a003020102"), from_hex("020101"), algorithm, test::name(issuer),
                      sequence({utc_time("230101000000Z"), utc_time(until)}), test::name(subject),
                      subject_key.public_key().spki(), der::encode(der::context(3), extensions)});
        const Bytes rs = signer.sign_ecdsa(HashAlg::sha256, tbs).value();
        const auto integer = [](ByteView number) {  // in its shortest form, or it is no DER
            while (number[0] == 0) {
                number = number.subspan(1);
            }
            return der::encode_uint(number);
        };
        const Bytes signature =
            sequence({integer(ByteView(rs).first(32)), integer(ByteView(rs).last(32))});
        return sequence(
            {tbs, algorithm, der::encode(der::kBitString, joined({Bytes{0}, signature}))});
    }
    Bytes root() const {
        return make(root_key, root_key, "Root", "Root", sequence({ca(), key_usage(0x04)}),
                    root_not_after);
    }
    Bytes intermediate() const {
        return make(ca_key, root_key, "CA", "Root", sequence({ca(), key_usage(0x04)}), not_after);
    }
    Bytes leaf() const {
        return make(leaf_key != nullptr ? *leaf_key : ak, ca_key, "", "CA",
                    sequence({key_usage(0x80), instance_extension(production)}), not_after);
    }

    PrivateKey root_key = PrivateKey::generate(KeyKind::p256).value();
    PrivateKey ca_key = PrivateKey::generate(KeyKind::p256).value();
    const PrivateKey* leaf_key = nullptr;
    bool production = true;
    std::string not_after = "330101000000Z";  ///< of leaf and intermediate
    std::string root_not_after = "330101000000Z";
};

}  // namespace

TEST_CASE("tpm.instance: a certificate of the provider adds what it is worth to the class") {
    CloudScene scene;
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "accepted");
    CHECK(result.tpm.name == "tee-vouched+cloud-ca");
    CHECK(result.tpm.excludes_host);
    CHECK(result.tpm.excludes_guest_root);
}

TEST_CASE("tpm.instance: only a machine that the policy names counts, each member for itself") {
    for (const TpmPolicy::Instance& wrong : {TpmPolicy::Instance{"project-2", "", ""},
                                             TpmPolicy::Instance{"project-1", "us-east1-b", ""},
                                             TpmPolicy::Instance{"project-1", "", "12346"}}) {
        CloudScene scene;
        scene.policy.tpm.instances = {wrong};
        CHECK(summary(scene.verify()) == "refused: tpm.instance");
        scene.policy.tpm.instances.push_back({"project-1", "", ""});
        CHECK(summary(scene.verify()) == "accepted");
    }
}

TEST_CASE("tpm.instance: without certificate, root or protections of the provider it is refused") {
    CloudScene none;
    none.edits.collection = {};
    CHECK(summary(none.verify()) == "refused: tpm.instance");
    CloudScene no_root;
    no_root.user_roots.pop_back();
    CHECK(summary(no_root.verify()) == "refused: tpm.instance");
    CloudScene test_machine;
    test_machine.production = false;
    CHECK(summary(test_machine.verify()) == "refused: tpm.instance");
}

TEST_CASE("tpm.instance: a policy that names none does not look at it, and says so") {
    CloudScene scene;
    scene.policy.tpm.instances.clear();
    const VerificationResult result = scene.verify();
    CHECK(summary(result) == "accepted");
    CHECK(result.tpm.name == "tee-vouched");
    CHECK_FALSE(result.tpm.excludes_guest_root);
    CHECK(not_checked(result, "AK certificate"));
}

TEST_CASE("tpm.ak_certificate: another key, another root, a broken chain are refused") {
    CloudScene other_key;
    const PrivateKey stranger = PrivateKey::generate(KeyKind::p256).value();
    other_key.leaf_key = &stranger;
    CHECK(summary(other_key.verify()) == "invalid: tpm.ak_certificate, tpm.instance");
    CloudScene other_root;
    CloudScene another;
    other_root.user_roots.back() = {RootKind::tpm, certificate_of(another.root())};
    CHECK(summary(other_root.verify()) == "invalid: tpm.ak_certificate, tpm.instance");
    CloudScene broken;
    broken.edits.collection = [&](cert::Collection& collection) {
        collection.tpm->ak_certificates = {broken.leaf()};
    };
    CHECK(summary(broken.verify()) == "invalid: tpm.ak_certificate, tpm.instance");
    CloudScene garbage;
    garbage.edits.collection = [](cert::Collection& collection) {
        collection.tpm->ak_certificates = {Bytes(10)};
    };
    CHECK(summary(garbage.verify()) == "invalid: tpm.ak_certificate, tpm.instance");
}

TEST_CASE("tpm.ak_certificate: a root's own signature says nothing, one in the chain is verified") {
    CloudScene scene;
    const Bytes root = with_another_scheme(scene.root());
    CHECK_FALSE(Certificate::parse(root));
    scene.user_roots.back() = {RootKind::tpm, Certificate::parse_anchor(root).value()};
    CHECK(summary(scene.verify()) == "accepted");
    scene.edits.collection = [&](cert::Collection& collection) {
        collection.tpm->ak_certificates = {scene.leaf(), scene.intermediate(), root};
    };
    CHECK(summary(scene.verify()) == "accepted");
    scene.edits.collection = [&](cert::Collection& collection) {
        collection.tpm->ak_certificates = {scene.leaf(), with_another_scheme(scene.intermediate())};
    };
    CHECK(summary(scene.verify()) == "invalid: tpm.ak_certificate, tpm.instance");
    // An anchor is trusted for what it issued, not because it is one.
    CloudScene stranger;
    scene.user_roots.back() = {
        RootKind::tpm, Certificate::parse_anchor(with_another_scheme(stranger.root())).value()};
    scene.edits.collection = [&](cert::Collection& collection) {
        collection.tpm->ak_certificates = {scene.leaf(), scene.intermediate()};
    };
    CHECK(summary(scene.verify()) == "invalid: tpm.ak_certificate, tpm.instance");
}

TEST_CASE("tpm.ak_certificate: an expired chain is refused, to the second") {
    CloudScene scene;
    scene.not_after = "240104120000Z";  // kNow
    CHECK(summary(scene.verify()) == "accepted");
    scene.not_after = "240104115959Z";
    CHECK(summary(scene.verify()) == "invalid: tpm.ak_certificate, tpm.instance");
}

TEST_CASE("tpm.ak_certificate: an expired root is refused, to the second") {
    CloudScene scene;
    const auto with_root_until = [&](const std::string& until) {
        scene.root_not_after = until;
        scene.user_roots.back() = {RootKind::tpm, certificate_of(scene.root())};
        return summary(scene.verify());
    };
    CHECK(with_root_until("240104120000Z") == "accepted");  // kNow
    CHECK(with_root_until("240104115959Z") == "invalid: tpm.ak_certificate, tpm.instance");
}

TEST_CASE("tpm.class: without a TEE the provider's word is enough only by a named waiver") {
    CloudScene scene;
    scene.has_tee = false;
    scene.policy.tee_required = false;
    scene.snapshot->snp.reset();
    VerificationResult result = scene.verify();
    CHECK(summary(result) == "refused: tpm.class");
    CHECK(result.tpm.name == "cloud-ca");
    CHECK(result.root == "user");
    CHECK_FALSE(result.tpm.excludes_host);
    scene.policy.tpm.provider_trusted = true;
    result = scene.verify();
    CHECK(summary(result) == "accepted (waived: tpm.class)");
    scene.policy.tpm.instances.clear();  // then nothing names the AK
    result = scene.verify();
    CHECK(summary(result) == "refused: tpm.class");
    CHECK(result.root.empty());
}

TEST_CASE("tpm.instance: the extension is read strictly") {
    CloudScene scene;
    const Certificate leaf = certificate_of(scene.leaf());
    const auto instance = parse_gce_instance(leaf);
    REQUIRE(instance);
    CHECK(instance->zone == "us-central1-a");
    CHECK(instance->project_id == "project-1");
    CHECK(instance->instance_id == "12345");
    CHECK(instance->instance_name == "vm-1");
    CHECK(instance->production);
    CHECK_FALSE(parse_gce_instance(certificate_of(scene.intermediate())));
}
