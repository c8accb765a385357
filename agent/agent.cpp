#include "agent/agent.h"

#include "ratls/cert/activation.h"
#include "ratls/codec/cbor.h"
#include "ratls/codec/pem.h"
#include "ratls/crypto/provider.h"
#include "ratls/platform/named_files.h"

namespace ratls::agent {
namespace {

constexpr std::string_view kRoot = "/.well-known/ratls-vm/";
constexpr std::size_t kMaxFile = std::size_t{1} << 20;
constexpr unsigned kFullFreshness = 3;

int status_of(const Error& error) {
    switch (error.code) {
        case Code::usage:
        case Code::malformed:
        case Code::too_large:
            return 400;
        case Code::unavailable:
            return 404;
        default:
            return 500;
    }
}

http::Response failure(const Error& error) {
    return http::error_response(status_of(error), error.text());
}

http::Response later(int status, std::string_view text, std::chrono::seconds wait) {
    http::Response response = http::error_response(status, text);
    response.headers.push_back({"retry-after", std::to_string(wait.count())});
    return response;
}

http::Response too_many_wait() {
    return later(503, "too many requests wait for the TPM", std::chrono::seconds(1));
}

http::Response replaced() {
    return http::error_response(409, "the certificate of this connection was replaced");
}

/// {1: nonce (32 bytes), ? 2: [+ wanted labels]}. All labels are always sent; the list is only
/// checked for its form, so that clients may begin to use it.
Result<cert::Nonce> parse_evidence_request(ByteView body) {
    RATLS_TRY(const cbor::Value value, cbor::parse(body, "request"));
    const cbor::Value* nonce = value.find(std::uint64_t{1});
    const cbor::Value* wanted = value.find(std::uint64_t{2});
    const std::size_t known = (nonce != nullptr ? 2U : 0U) + (wanted != nullptr ? 2U : 0U);
    cert::Nonce out{};
    if (nonce == nullptr || !nonce->is(cbor::Value::Kind::bytes) ||
        nonce->bytes().size() != out.size() || value.items().size() != known ||
        (wanted != nullptr && !wanted->is(cbor::Value::Kind::array))) {
        return fail(Code::malformed, "request", "{1: nonce of 32 bytes, ? 2: [labels]} wanted");
    }
    std::ranges::copy(nonce->bytes(), out.begin());
    return out;
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::start(AgentConfig config, const VmPlatform& platform) {
    std::unique_ptr<Agent> out(new Agent(std::move(config), platform));
    RATLS_TRY(out->vm_, Vm::open(out->config_.vm, platform));
    RATLS_CHECK(out->config_.certificate.empty() ? out->issue() : out->load());
    RATLS_CHECK(out->find_ek());
    return out;
}

/// A TPM without a certificate for its EK is an ordinary one; one that was configured must be
/// right.
Status Agent::find_ek() {
    const Result<EndorsementKey>& key = vm_->endorsement_key();
    if (key) {
        ek_answer_ = cert::encode_ek_answer({key->certificates, key->public_area});
        return {};
    }
    if (!config_.vm.ek_handle.empty() || !config_.vm.ek_certificate.empty()) {
        return std::unexpected(key.error());
    }
    ek_answer_ = std::unexpected(key.error());
    return {};
}

Status Agent::issue() {
    RATLS_TRY(PrivateKey key, PrivateKey::generate(KeyKind::p256));
    const Turns::Turn turn = turns_.go_first();
    RATLS_TRY(IssuedIdentity issued,
              issue_identity(vm_->attester(), key, {config_.names},
                             std::int64_t{config_.valid_minutes} * 60, kFullFreshness,
                             cert::kKeyMadeAtBoot, platform_.clock.now()));
    RATLS_TRY(const Certificate certificate, Certificate::parse(issued.certificate));
    auto identity = std::make_shared<ServerIdentity>(ServerIdentity{std::move(key), {}, nullptr});
    identity->chain_der.push_back(std::move(issued.certificate));
    const std::lock_guard lock(served_mutex_);
    served_.push_back({std::move(identity), to_bytes(certificate.spki()), issued.spki_sha256,
                       issued.not_before, issued.not_after, config_.names, cert::kKeyMadeAtBoot,
                       kFullFreshness});
    if (served_.size() > 2) {
        served_.erase(served_.begin());
    }
    return {};
}

Status Agent::load() {
    RATLS_TRY(const Bytes file,
              read_named(platform_.files, "certificate: file", config_.certificate, kMaxFile));
    RATLS_TRY(const std::vector<Certificate> certificates, parse_certificates(file));
    RATLS_TRY(const cert::NativeCertificate native, cert::parse_native(certificates.front()));
    RATLS_TRY(Bytes key_file,
              read_named(platform_.files, "certificate: key", config_.key, kMaxFile));
    const Secret secret(std::move(key_file));
    RATLS_TRY(PrivateKey key, PrivateKey::parse(secret.reveal()));
    if (key.public_key().spki_sha256() != native.claims.pubkey_sha256) {
        return fail(Code::mismatch, config_.key, "not the key of " + config_.certificate);
    }
    auto identity = std::make_shared<ServerIdentity>(ServerIdentity{std::move(key), {}, nullptr});
    identity->chain_der.push_back(to_bytes(native.certificate.der()));
    const std::lock_guard lock(served_mutex_);
    served_.push_back({std::move(identity), to_bytes(native.certificate.spki()),
                       native.claims.pubkey_sha256, native.claims.not_before,
                       native.claims.not_after, native.claims.service_names,
                       native.claims.key_origin, native.claims.max_fresh});
    return {};
}

Status Agent::renew_if_due() {
    if (!config_.certificate.empty()) {
        return {};
    }
    {
        const std::lock_guard lock(served_mutex_);
        const Served& current = served_.back();
        if (platform_.clock.now() <
            current.not_before + (current.not_after - current.not_before) / 2) {
            return {};
        }
    }
    return issue();
}

std::shared_ptr<const ServerIdentity> Agent::identity() {
    const std::lock_guard lock(served_mutex_);
    return served_.back().identity;
}

http::Response Agent::handle(const http::Request& request, const ConnectionInfo& connection) {
    const bool get = request.method == http::Method::get || request.method == http::Method::head;
    const std::string_view path = request.path;
    if (path == std::string(kRoot) + "evidence" || path == std::string(kRoot) + "activate") {
        if (request.method != http::Method::post) {
            return http::error_response(405, "POST wanted");
        }
        return path.ends_with("evidence") ? evidence(request, connection)
                                          : activate(request, connection);
    }
    if (!get) {
        return http::error_response(405, "GET wanted");
    }
    if (path == std::string(kRoot) + "certificate") {
        return certificate();
    }
    if (path == std::string(kRoot) + "ek") {
        return ek();
    }
    if (path == std::string(kRoot) + "ima") {
        return ima(request, connection);
    }
    if (path == std::string(kRoot) + "eventlog") {
        return boot_log(connection);
    }
    if (path == "/v1/health") {
        return http::make_response(200, "application/json",
                                   to_bytes(as_bytes("{\"status\":\"ok\"}\n")));
    }
    if (path == "/v1/version") {
        const std::string version = "{\"version\":\"" RATLS_VERSION "\",\"crypto\":\"" +
                                    std::string(crypto_provider()) + "\"}\n";
        return http::make_response(200, "application/json", to_bytes(as_bytes(version)));
    }
    return http::error_response(404, "no such route");
}

http::Response Agent::certificate() {
    const std::string text = pem("CERTIFICATE", identity()->chain_der.front());
    return http::make_response(200, "application/pem-certificate-chain", to_bytes(as_bytes(text)));
}

http::Response Agent::evidence(const http::Request& request, const ConnectionInfo& connection) {
    const auto nonce = parse_evidence_request(request.body);
    if (!nonce) {
        return failure(nonce.error());
    }
    const auto exporter = connection.exporter(*nonce);
    if (!exporter) {
        return failure(exporter.error());
    }
    const std::optional<Served> served = served_on(connection);
    if (!served) {
        return replaced();
    }
    ClaimsRequest claims;
    claims.spki_sha256 = served->spki_sha256;
    claims.not_before = served->not_before;
    claims.not_after = served->not_after;
    claims.service_names = served->service_names;
    claims.max_fresh = served->max_fresh;
    claims.key_origin = served->key_origin;
    claims.binding = ClaimsRequest::Binding{*nonce, *exporter};
    const auto turn = turn_within_rate();
    if (const auto* refusal = std::get_if<http::Response>(&turn)) {
        return *refusal;
    }
    const auto collection = vm_->attester().collect(claims);
    if (!collection) {
        return failure(collection.error());
    }
    return http::make_response(200, cert::kCollectionMediaType,
                               cert::encode_collection(*collection));
}

http::Response Agent::ek() const {
    if (!ek_answer_) {
        return http::error_response(404, ek_answer_.error().text());
    }
    return http::make_response(200, cert::kActivationMediaType, *ek_answer_);
}

/// Rule 15: what leaves is a proof about the key of this connection, never the secret.
http::Response Agent::activate(const http::Request& request, const ConnectionInfo& connection) {
    const auto question = cert::parse_activation_request(request.body);
    if (!question) {
        return failure(question.error());
    }
    const std::optional<Served> served = served_on(connection);
    if (!served) {
        return replaced();
    }
    if (!ek_answer_) {
        return http::error_response(404, ek_answer_.error().text());
    }
    const auto turn = turn_within_rate();
    if (const auto* refusal = std::get_if<http::Response>(&turn)) {
        return *refusal;
    }
    const auto secret = vm_->activate(question->id_object, question->encrypted_secret);
    if (!secret) {
        return secret.error().code == Code::mismatch
                   ? http::error_response(422, secret.error().text())
                   : failure(secret.error());
    }
    return http::make_response(200, cert::kActivationMediaType,
                               cert::encode_activation_answer(cert::activation_proof(
                                   *secret, question->context, served->spki)));
}

std::optional<Agent::Served> Agent::served_on(const ConnectionInfo& connection) {
    const std::lock_guard lock(served_mutex_);
    const auto served =
        std::ranges::find(served_, connection.leaf_spki_sha256, &Served::spki_sha256);
    return served == served_.end() ? std::nullopt : std::optional(*served);
}

std::variant<Turns::Turn, http::Response> Agent::turn_within_rate() {
    if (const auto wait = bucket_.take(platform_.clock.monotonic())) {
        return later(429, "too many requests for fresh evidence", *wait);
    }
    if (auto turn = turns_.wait()) {
        return *std::move(turn);
    }
    return too_many_wait();
}

std::optional<http::Response> Agent::log_refusal(const ConnectionInfo& connection) {
    const auto wait = log_rates_.take(connection.network, platform_.clock.monotonic());
    return wait ? std::optional(later(429, "too many requests for logs", *wait)) : std::nullopt;
}

http::Response Agent::boot_log(const ConnectionInfo& connection) {
    if (auto refusal = log_refusal(connection)) {
        return *std::move(refusal);
    }
    auto log = vm_->attester().boot_log();
    if (!log) {
        return failure(log.error());
    }
    return http::make_response("application/octet-stream", *std::move(log));
}

http::Response Agent::ima(const http::Request& request, const ConnectionInfo& connection) {
    if (auto status = http::only_parameters(request, {"from"}); !status) {
        return failure(status.error());
    }
    const auto from = http::query_unsigned(request, "from", 0);
    if (!from) {
        return failure(from.error());
    }
    if (auto refusal = log_refusal(connection)) {
        return *std::move(refusal);
    }
    auto log = vm_->attester().ima_log_from(*from);
    if (!log) {
        return failure(log.error());
    }
    return http::make_response("application/octet-stream", *std::move(log));
}

}  // namespace ratls::agent
