#include "verify/tls/live.h"

#include "ratls/base/text.h"
#include "ratls/codec/cbor.h"
#include "ratls/codec/json.h"
#include "ratls/crypto/random.h"
#include "ratls/evidence/ima/log.h"
#include "ratls/tls/exchange.h"
#include "verify/activation.h"

namespace ratls::verify {
namespace {

constexpr std::string_view kRoot = "/.well-known/ratls-vm/";
constexpr int kAttempts = 2;
constexpr std::size_t kMaxReason = 1000;
constexpr std::size_t kMaxBootLog = std::size_t{16} << 20;

/// What an answer without what was asked for says, if it gives a reason.
std::string refusal_text(const http::Response& answer) {
    std::string out = "HTTP status " + std::to_string(answer.status);
    const auto body = parse_json(as_text(answer.body), {.max_bytes = kMaxReason});
    const Json* reason = body ? body->find("error") : nullptr;
    const std::string* text = reason != nullptr ? reason->if_string() : nullptr;
    return text != nullptr ? out + ", the server says " + quoted(*text, kMaxReason) : out;
}

class LiveVerifier {
  public:
    LiveVerifier(const LiveInputs& inputs, HttpClient& http, Files& files)
        : inputs_(inputs),
          http_(http),
          files_(files),
          memory_(inputs.memory != nullptr ? *inputs.memory : own_memory_),
          context_(inputs.context) {
        context_.proven = &memory_.proven;
        context_.ima = &memory_.ima;
    }

    Result<LiveResult> run() {
        const auto known = memory_.ima_entries.find(inputs_.endpoint.text());
        log_first_ = inputs_.ima_log || known == memory_.ima_entries.end() ? 0 : known->second;
        for (int attempt = 1;; ++attempt) {
            RATLS_CHECK(prefetch());
            auto result = once();
            if (!result || !log_behind(result->result.findings) || attempt == kAttempts) {
                remember(result);
                return result;
            }
            log_first_ = 0;
            // What this connection leaves stands for the bytes of its own log, not of the next one.
            own_memory_.ima = {};
        }
    }

  private:
    /// Between the two connections the agent may have measured on or renewed; and what is in hand
    /// of the log, or remembered, may not be of this boot.
    bool log_behind(const Findings& findings) const {
        if (inputs_.ima_log) {
            return false;
        }
        return findings.has("ima.replay", Verdict::fail) ||
               findings.has("ima.prefix", Verdict::fail) ||
               (log_first_ > 0 && (findings.has("ima.log", Verdict::fail) ||
                                   findings.has("ima.format", Verdict::fail) ||
                                   findings.has("ima.boot_aggregate", Verdict::fail)));
    }

    void remember(const Result<LiveResult>& result) {
        if (result && good(result->result) && result->collection->ima && !inputs_.ima_log) {
            memory_.ima_entries[inputs_.endpoint.text()] =
                static_cast<std::size_t>(result->collection->ima->entries);
        }
    }

    /// Bytes from whoever answers: the quote proves them, or nothing does.
    Status prefetch() {
        log_ = inputs_.ima_log;
        growing_log_.reset();
        boot_log_ = inputs_.boot_log;
        counted_ = log_first_;
        counted_bytes_ = 0;
        if (log_ == nullptr) {
            RATLS_CHECK(fetch_log());
        }
        if (!boot_log_) {
            RATLS_TRY(FetchResponse response, fetch("eventlog", kMaxBootLog, {}));
            if (response.status == 200) {
                fetched_boot_log_ = std::move(response.body);
                boot_log_ = fetched_boot_log_;
            }
        }
        return {};
    }

    Status fetch_log() {
        auto log = std::make_shared<GrowingLog>(files_);
        const auto take = [&](ByteView piece) {
            if (inputs_.progress) {
                inputs_.progress(log->size());
            }
            return log->append(piece);
        };
        RATLS_TRY(const FetchResponse response,
                  fetch("ima?from=" + std::to_string(log_first_), ima::kMaxLogBytes, take));
        if (response.status == 200) {
            growing_log_ = log;
            log_ = std::move(log);
        }
        return {};
    }

    /// A VM that does not have this log answers with another status than 200.
    Result<FetchResponse> fetch(std::string_view route, std::size_t max_bytes,
                                std::function<Status(ByteView)> sink) {
        FetchRequest request;
        request.url =
            "https://" + inputs_.endpoint.text() + std::string(kRoot) + std::string(route);
        request.max_bytes = max_bytes;
        request.timeout = inputs_.timeout;
        request.insecure_untrusted_bytes = true;
        request.sink = std::move(sink);
        if (!inputs_.endpoint.address.empty()) {
            request.resolve.push_back(inputs_.endpoint.host + ":" +
                                      std::to_string(inputs_.endpoint.port) + ":" +
                                      inputs_.endpoint.address);
        }
        return http_.fetch(request);
    }

    CertificateInputs certificate_inputs() const {
        return {.context = context_,
                .snapshot = inputs_.snapshot,
                .evidence_only = inputs_.evidence_only,
                .name = inputs_.endpoint.host,
                .ima_log = log_.get(),
                .ima_log_first = log_first_,
                .boot_log = boot_log_};
    }

    static bool good(const VerificationResult& result) {
        return result.outcome == Outcome::accepted || result.outcome == Outcome::genuine;
    }

    Result<LiveResult> once() {
        LiveResult out;
        std::vector<Bytes> chain;
        ClientOptions options;
        options.server_name = inputs_.endpoint.host;
        options.verifier = [&](std::span<const Bytes> sent) -> Status {
            chain.assign(sent.begin(), sent.end());
            out.result = verify_certificate(sent, certificate_inputs(), Stage::handshake);
            if (good(out.result)) {
                return {};
            }
            return fail(Code::denied, "certificate", std::string(outcome_name(out.result.outcome)));
        };
        const Deadline deadline = deadline_in(inputs_.timeout);
        auto connection = connect_tls(inputs_.endpoint, options, deadline);
        if (!connection) {
            if (chain.empty() || good(out.result)) {
                return std::unexpected(std::move(connection).error());
            }
            return out;  // refused inside the handshake
        }
        RATLS_TRY(const Certificate certificate, Certificate::parse(chain.front()));
        if (connection->leaf_spki_sha256() != sha256(certificate.spki())) {
            return fail(Code::mismatch, inputs_.endpoint.text(),
                        "TLS and verifier disagree about the key of the certificate");
        }
        RATLS_TRY(out.native, cert::parse_native(certificate));
        out.collection = out.native->collection;
        const unsigned wanted =
            std::max(out.native->claims.max_fresh,
                     static_cast<unsigned>(inputs_.context.policy.freshness.required));
        const bool persistent = out.native->claims.key_origin == cert::kKeyPersistent ||
                                !out.native->claims.other_spki.empty();
        if (out.native->claims.max_fresh >= 2 && (wanted >= 2 || persistent)) {
            RATLS_CHECK(refresh(*connection, deadline, out));
        } else {
            out.result = conclude_handshake(out.native->claims, certificate_inputs(), out.result);
        }
        if (only_activation_missing(out.result)) {
            RATLS_CHECK(activate(*connection, deadline, out));
        }
        out.ima_log = log_;
        out.ima_log_first = log_first_;
        if (good(out.result)) {
            out.connection = std::make_unique<TlsConnection>(*std::move(connection));
        }
        return out;
    }

    Result<http::Response> ask(TlsConnection& connection, http::Request request,
                               std::size_t max_body, Deadline deadline) {
        request.headers.push_back({"host", inputs_.endpoint.text()});
        return exchange(connection, request, max_body, deadline);
    }

    Status refresh(TlsConnection& connection, Deadline deadline, LiveResult& out) {
        Session session;
        session.nonce = random_array<32>();
        RATLS_TRY(session.exporter, connection.exporter(session.nonce));
        session.leaf_spki_sha256 = connection.leaf_spki_sha256();
        http::Request post;
        post.method = http::Method::post;
        post.target = std::string(kRoot) + "evidence";
        post.headers.push_back({"content-type", "application/cbor"});
        post.body = cbor::Encoder().map(1).uint(1).bytes(session.nonce).take();
        RATLS_TRY(const http::Response answer,
                  ask(connection, std::move(post), cert::kMaxCollectionBytes, deadline));
        if (answer.status != 200) {
            return fail(Code::unavailable, inputs_.endpoint.text(),
                        "fresh evidence: " + refusal_text(answer));
        }
        auto collection = cert::parse_collection(answer.body);
        if (collection && collection->ima && log_ != nullptr) {
            RATLS_CHECK(extend_log(connection, deadline));
        }
        out.result = verify_session(out.native->certificate, answer.body, session,
                                    certificate_inputs(), out.result);
        if (collection) {
            out.collection = *std::move(collection);
        }
        return {};
    }

    /// A host that has no EK, or whose TPM does not open the credential, is refused; one that has
    /// no time for it now is out of reach.
    Result<std::optional<Bytes>> activation_route(TlsConnection& connection, http::Request request,
                                                  Deadline deadline, LiveResult& out) {
        RATLS_TRY(http::Response answer,
                  ask(connection, std::move(request), cert::kMaxActivationMessage, deadline));
        if (answer.status == 200) {
            return std::optional(std::move(answer.body));
        }
        const std::string status = refusal_text(answer);
        if (answer.status == 429 || answer.status >= 500) {
            return fail(Code::unavailable, inputs_.endpoint.text(), "activation: " + status);
        }
        refuse_activation("the host gives none: " + status, certificate_inputs(), out.result);
        return std::optional<Bytes>();
    }

    /// Rule 15, last of all: the quote of this connection has named the AK.
    Status activate(TlsConnection& connection, Deadline deadline, LiveResult& out) {
        http::Request get;
        get.target = std::string(kRoot) + "ek";
        RATLS_TRY(const std::optional<Bytes> ek,
                  activation_route(connection, std::move(get), deadline, out));
        if (!ek) {
            return {};
        }
        Secret secret(32);
        random_bytes(secret.writable());
        const auto activation = begin_activation(*ek, random_array<32>(), std::move(secret),
                                                 certificate_inputs(), out.result);
        if (!activation) {
            return {};
        }
        http::Request post;
        post.method = http::Method::post;
        post.target = std::string(kRoot) + "activate";
        post.headers.push_back({"content-type", std::string(cert::kActivationMediaType)});
        post.body = activation->request();
        RATLS_TRY(const std::optional<Bytes> answer,
                  activation_route(connection, std::move(post), deadline, out));
        if (answer) {
            finish_activation(*activation, *answer, out.native->certificate.spki(),
                              certificate_inputs(), out.result);
        }
        return {};
    }

    /// Only what was measured since: the first part is in hand.
    Status extend_log(TlsConnection& connection, Deadline deadline) {
        const auto count = [&](const ima::Entry& entry) -> Result<bool> {
            ++counted_;
            counted_bytes_ += entry.raw.size();
            return true;
        };
        if (!ima::read_log(*log_, counted_bytes_, counted_, count)) {
            return {};  // the verification will say what is wrong with it
        }
        http::Request get;
        get.target = std::string(kRoot) + "ima?from=" + std::to_string(counted_);
        RATLS_TRY(const http::Response answer,
                  ask(connection, std::move(get), ima::kMaxLogBytes, deadline));
        if (answer.status != 200 || answer.body.empty()) {
            return {};
        }
        if (growing_log_ == nullptr) {
            RATLS_CHECK(copy_log());
        }
        return growing_log_->append(answer.body);
    }

    /// What the caller gave stays as it is.
    Status copy_log() {
        auto copy = std::make_shared<GrowingLog>(files_);
        for (bool more = true; more;) {
            RATLS_TRY(const ima::LogSource::Piece piece, log_->at(copy->size()));
            RATLS_CHECK(copy->append(piece.bytes));
            more = !piece.last && copy->size() <= ima::kMaxLogBytes;
        }
        growing_log_ = copy;
        log_ = std::move(copy);
        return {};
    }

    const LiveInputs& inputs_;
    HttpClient& http_;
    Files& files_;
    LiveMemory own_memory_;
    LiveMemory& memory_;
    Context context_;
    std::shared_ptr<ima::LogSource> log_;      ///< the caller's, or
    std::shared_ptr<GrowingLog> growing_log_;  ///< what was fetched
    Bytes fetched_boot_log_;
    std::optional<ByteView> boot_log_;             ///< this, or the caller's
    std::size_t log_first_ = 0;                    ///< index of the first entry of `log_`
    std::size_t counted_ = 0, counted_bytes_ = 0;  ///< entries up to there, and their bytes
};

}  // namespace

Result<LiveResult> verify_live(const LiveInputs& inputs, HttpClient& http, Files& files) {
    return LiveVerifier(inputs, http, files).run();
}

}  // namespace ratls::verify
