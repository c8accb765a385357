#include "agent/agent.h"

#include "agent/failure.h"
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
constexpr std::chrono::seconds kReloadPause{1};
constexpr std::int64_t kPlaceholderSeconds = std::int64_t{10} * 365 * 24 * 60 * 60;

http::Response no_ek() {
    return http::error_response(404, "the TPM has no EK with a certificate of its maker");
}

constexpr std::string_view kNoAnswer = "the TPM does not answer";

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

http::Response log_response(Result<std::optional<ByteStream>> log, std::string_view none) {
    if (!log) {
        return log.error().code == Code::usage ? bad_request(log.error()) : unable(log.error());
    }
    return *log ? http::make_response("application/octet-stream", **std::move(log))
                : http::error_response(404, none);
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::start(AgentConfig config, const VmPlatform& platform,
                                            Log log) {
    std::unique_ptr<Agent> out(new Agent(std::move(config), platform, std::move(log)));
    RATLS_TRY(out->vm_, Vm::open(out->config_.vm, platform));
    RATLS_CHECK(out->make_placeholder());
    RATLS_CHECK(out->config_.certificate.empty() ? out->issue() : out->reload_if_changed());
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

Status Agent::make_placeholder() {
    RATLS_TRY(PrivateKey key, PrivateKey::generate(KeyKind::p256));
    SelfSignedRequest request;
    request.common_name = "no evidence, see /v1/health";
    request.dns_names = {"ratls-agent.invalid"};
    request.not_before = platform_.clock.now() - 24 * 60 * 60;
    request.not_after = request.not_before + kPlaceholderSeconds;
    RATLS_TRY(Bytes certificate, write_self_signed(request, key));
    auto identity = std::make_shared<ServerIdentity>(ServerIdentity{std::move(key), {}, nullptr});
    identity->chain_der.push_back(std::move(certificate));
    placeholder_ = std::move(identity);
    return {};
}

Status Agent::issue() {
    RATLS_TRY(PrivateKey key, PrivateKey::generate(KeyKind::p256));
    const Turns::Turn turn = turns_.go_first();
    auto issued = issue_identity(vm_->attester(), key, {config_.names},
                                 std::int64_t{config_.valid_minutes} * 60, kFullFreshness,
                                 cert::kKeyMadeAtBoot, platform_.clock.now());
    if (!issued) {
        state_.evidence(platform_.clock.now(), public_reason(issued.error()));
        return std::unexpected(std::move(issued).error());
    }
    state_.evidence(platform_.clock.now(), std::nullopt);
    RATLS_TRY(const Certificate certificate, Certificate::parse(issued->certificate));
    auto identity = std::make_shared<ServerIdentity>(ServerIdentity{std::move(key), {}, nullptr});
    identity->chain_der.push_back(std::move(issued->certificate));
    add_served({std::move(identity), to_bytes(certificate.spki()), sha256(certificate.der()),
                issued->spki_sha256, issued->not_before, issued->not_after, config_.names,
                cert::kKeyMadeAtBoot, kFullFreshness});
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
    add_served({std::move(identity), to_bytes(native.certificate.spki()),
                sha256(native.certificate.der()), native.claims.pubkey_sha256,
                native.claims.not_before, native.claims.not_after, native.claims.service_names,
                native.claims.key_origin, native.claims.max_fresh});
    return {};
}

void Agent::add_served(Served served) {
    const std::lock_guard lock(served_mutex_);
    served_.push_back(std::move(served));
    if (served_.size() > 2) {
        served_.erase(served_.begin());
    }
}

/// Certificate and key come one after the other, so what does not fit is tried again; the one in
/// use stays meanwhile.
Status Agent::reload_if_changed() {
    const std::lock_guard lock(reload_mutex_);
    const auto now = platform_.clock.monotonic();
    if (looked_at_ && now - *looked_at_ < kReloadPause) {
        return {};
    }
    looked_at_ = now;
    const auto certificate = platform_.files.stamp(config_.certificate);
    const auto key = platform_.files.stamp(config_.key);
    const CertificateFiles found{certificate.value_or(FileStamp{}), key.value_or(FileStamp{})};
    if (loaded_ == found) {
        return {};
    }
    Status status = load();
    if (status) {
        loaded_ = found;
        failed_.reset();
        state_.certificate(std::nullopt);
        return {};
    }
    if (failed_ == found) {
        return {};  // it was said
    }
    failed_ = found;
    state_.certificate("the certificate's new file cannot be used");
    return status;
}

Status Agent::renew_if_due() {
    if (!config_.certificate.empty()) {
        return reload_if_changed();
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
    if (!config_.certificate.empty()) {
        if (const Status status = reload_if_changed(); !status && log_) {
            log_("certificate: " + status.error().text());
        }
    }
    const std::lock_guard lock(served_mutex_);
    return platform_.clock.now() < served_.back().not_after ? served_.back().identity
                                                            : placeholder_;
}

std::optional<http::Response> Agent::expired() {
    UnixTime not_after = 0;
    {
        const std::lock_guard lock(served_mutex_);
        not_after = served_.back().not_after;
    }
    if (platform_.clock.now() < not_after) {
        return std::nullopt;
    }
    return http::error_response(503, expired_text(not_after));
}

http::Response Agent::handle(const http::Request& request, const ConnectionInfo& connection) {
    const bool get = request.method == http::Method::get || request.method == http::Method::head;
    const std::string_view path = request.path;
    if (path == std::string(kRoot) + "evidence" || path == std::string(kRoot) + "activate") {
        if (request.method != http::Method::post) {
            return http::error_response(405, "POST wanted");
        }
        if (auto refusal = expired()) {
            return *std::move(refusal);
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
        return health();
    }
    if (path == "/v1/version") {
        const std::string version = "{\"version\":\"" RATLS_VERSION "\",\"crypto\":\"" +
                                    std::string(crypto_provider()) + "\"}\n";
        return http::make_response(200, "application/json", to_bytes(as_bytes(version)));
    }
    return http::error_response(404, "no such route");
}

http::Response Agent::health() {
    State::Now now;
    now.time = platform_.clock.now();
    {
        const std::lock_guard lock(served_mutex_);
        now.not_after = served_.back().not_after;
    }
    const Status logs = vm_->attester().check_logs();
    if (!logs) {
        now.logs = "the logs cannot be read";
    }
    if (turns_.busy_for() > kMaxWait) {
        now.hanging = std::string(kNoAnswer);
    }
    const State::Answer answer = state_.answer(now);
    http::Response out =
        http::make_response(answer.failures.empty() ? 200 : 503, "application/json",
                            to_bytes(as_bytes(answer.json.pretty())));
    out.cause = answer.failures + (logs ? "" : ": " + logs.error().text());
    return out;
}

http::Response Agent::certificate() {
    if (auto refusal = expired()) {
        return *std::move(refusal);
    }
    const std::string text = pem("CERTIFICATE", identity()->chain_der.front());
    return http::make_response(200, "application/pem-certificate-chain", to_bytes(as_bytes(text)));
}

http::Response Agent::evidence(const http::Request& request, const ConnectionInfo& connection) {
    const auto nonce = parse_evidence_request(request.body);
    if (!nonce) {
        return bad_request(nonce.error());
    }
    const auto exporter = connection.exporter(*nonce);
    if (!exporter) {
        return unable(exporter.error());
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
    note(collection ? Status() : std::unexpected(collection.error()));
    if (!collection) {
        return unable(collection.error());
    }
    return http::make_response(200, cert::kCollectionMediaType,
                               cert::encode_collection(*collection));
}

http::Response Agent::ek() const {
    if (!ek_answer_) {
        return no_ek();
    }
    return http::make_response(200, cert::kActivationMediaType, *ek_answer_);
}

/// Rule 15: what leaves is a proof about the key of this connection, never the secret.
http::Response Agent::activate(const http::Request& request, const ConnectionInfo& connection) {
    const auto question = cert::parse_activation_request(request.body);
    if (!question) {
        return bad_request(question.error());
    }
    const std::optional<Served> served = served_on(connection);
    if (!served) {
        return replaced();
    }
    if (!ek_answer_) {
        return no_ek();
    }
    const auto turn = turn_within_rate();
    if (const auto* refusal = std::get_if<http::Response>(&turn)) {
        return *refusal;
    }
    const auto secret = vm_->activate(question->id_object, question->encrypted_secret);
    if (!secret && secret.error().code == Code::mismatch) {
        return http::error_response(422, "no credential for the EK and the AK of this TPM");
    }
    if (!secret) {
        note(std::unexpected(secret.error()));
        return unable(secret.error());
    }
    return http::make_response(200, cert::kActivationMediaType,
                               cert::encode_activation_answer(cert::activation_proof(
                                   *secret, question->context, served->spki)));
}

std::optional<Agent::Served> Agent::served_on(const ConnectionInfo& connection) {
    const std::lock_guard lock(served_mutex_);
    const auto served = std::ranges::find(served_, connection.leaf_sha256, &Served::leaf_sha256);
    return served == served_.end() ? std::nullopt : std::optional(*served);
}

std::variant<Turns::Turn, http::Response> Agent::turn_within_rate() {
    if (const auto wait = bucket_.take(platform_.clock.monotonic())) {
        return later(429, "too many requests for fresh evidence", *wait);
    }
    if (auto turn = turns_.wait(kMaxWait)) {
        return *std::move(turn);
    }
    bucket_.give_back();
    return turns_.busy_for() > kMaxWait
               ? later(503, kNoAnswer, kMaxWait)
               : later(503, "too many requests wait for the TPM", std::chrono::seconds(1));
}

void Agent::note(const Status& outcome) {
    state_.evidence(platform_.clock.now(),
                    outcome ? std::nullopt : std::optional(public_reason(outcome.error())));
    if (!outcome) {
        bucket_.give_back();
    }
}

std::optional<http::Response> Agent::log_refusal(const ConnectionInfo& connection) {
    const auto wait = log_rates_.take(connection.network, platform_.clock.monotonic());
    return wait ? std::optional(later(429, "too many requests for logs", *wait)) : std::nullopt;
}

http::Response Agent::boot_log(const ConnectionInfo& connection) {
    if (auto refusal = log_refusal(connection)) {
        return *std::move(refusal);
    }
    return log_response(vm_->attester().boot_log(), "this VM has no boot log");
}

http::Response Agent::ima(const http::Request& request, const ConnectionInfo& connection) {
    if (auto status = http::only_parameters(request, {"from"}); !status) {
        return bad_request(status.error());
    }
    const auto from = http::query_unsigned(request, "from", 0);
    if (!from) {
        return bad_request(from.error());
    }
    if (auto refusal = log_refusal(connection)) {
        return *std::move(refusal);
    }
    return log_response(vm_->attester().ima_log_from(*from), "this VM has no IMA log");
}

}  // namespace ratls::agent
