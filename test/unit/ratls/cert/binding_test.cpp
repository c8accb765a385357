#include "ratls/cert/binding.h"

#include "test/unit/ratls/cert/vectors.h"

using namespace ratls;
using test::digest_of;
using test::hex_of;

namespace {

const Json& answers() {
    static const Json json = test::known_answers("binding.json");
    return json;
}

}  // namespace

TEST_CASE("cert.binding: report data is the hash of the claims-buffer and 32 zero bytes") {
    const auto data = cert::report_data(hex_of(answers(), "claims_buffer"));
    CHECK(hex(data) == hex(hex_of(answers(), "report_data")));
    CHECK(all_zero(ByteView(data).last(32)));
}

TEST_CASE("cert.binding: qualifying data covers claims and TEE evidence, or zeros without a TEE") {
    const Bytes buffer = hex_of(answers(), "claims_buffer");
    const Bytes evidence = hex_of(answers(), "evidence");
    CHECK(cert::qualifying_data(buffer, ByteView(evidence)) ==
          digest_of(answers(), "qualifying_data"));
    CHECK(cert::qualifying_data(buffer, std::nullopt) ==
          digest_of(answers(), "qualifying_data_without_tee"));
    CHECK(cert::qualifying_data(buffer, ByteView()) != cert::qualifying_data(buffer, std::nullopt));
}

TEST_CASE("cert.binding: the GPU nonce has a label of its own") {
    CHECK(cert::gpu_nonce(hex_of(answers(), "claims_buffer")) == digest_of(answers(), "gpu_nonce"));
}

TEST_CASE("cert.binding: the binder differs by role, key, nonce and connection") {
    using cert::Role;
    const Sha256Digest key = sha256(hex_of(answers(), "spki"));
    CHECK(key == digest_of(answers(), "spki_sha256"));
    const cert::Nonce nonce = digest_of(answers(), "nonce");
    const cert::Exporter exporter = digest_of(answers(), "exporter");
    const Sha256Digest server = cert::binder(Role::server, key, nonce, exporter);
    CHECK(server == digest_of(answers(), "binder_server"));
    CHECK(cert::binder(Role::client, key, nonce, exporter) ==
          digest_of(answers(), "binder_client"));
    CHECK(cert::binder(Role::client, key, nonce, exporter) != server);
    CHECK(cert::binder(Role::server, Sha256Digest{}, nonce, exporter) != server);
    CHECK(cert::binder(Role::server, key, cert::Nonce{}, exporter) != server);
    CHECK(cert::binder(Role::server, key, nonce, cert::Exporter{}) != server);
}
