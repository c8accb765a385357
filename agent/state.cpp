#include "agent/state.h"

#include <algorithm>

namespace ratls::agent {
namespace {

using Failure = std::optional<std::string>;

Json or_null(const Failure& failure) {
    return failure ? Json(*failure) : Json();
}

}  // namespace

void State::evidence(UnixTime at, std::optional<std::string> failure) {
    const std::lock_guard lock(mutex_);
    evidence_at_ = at;
    evidence_failure_ = std::move(failure);
}

void State::certificate(std::optional<std::string> failure) {
    const std::lock_guard lock(mutex_);
    certificate_failure_ = std::move(failure);
}

State::Answer State::answer(const Now& now) const {
    const std::lock_guard lock(mutex_);
    const Failure expired =
        now.time < now.not_after ? Failure() : Failure(expired_text(now.not_after));
    const Failure quote = now.hanging ? now.hanging : evidence_failure_;
    Answer out;
    for (const Failure* failure : {&expired, &certificate_failure_, &quote, &now.logs}) {
        if (*failure) {
            out.failures += (out.failures.empty() ? "" : "; ") + **failure;
        }
    }
    out.json.set("status", out.failures.empty() ? "ok" : "failing");
    if (!out.failures.empty()) {
        out.json.set("error", out.failures);
    }
    Json certificate;
    certificate.set("not_after", format_rfc3339(now.not_after));
    certificate.set("seconds_left", std::max<std::int64_t>(0, now.not_after - now.time));
    certificate.set("error", or_null(expired ? expired : certificate_failure_));
    Json evidence;
    evidence.set("at", evidence_at_ ? Json(format_rfc3339(*evidence_at_)) : Json());
    evidence.set("error", or_null(quote));
    Json logs;
    logs.set("error", or_null(now.logs));
    out.json.set("certificate", std::move(certificate));
    out.json.set("quote", std::move(evidence));
    out.json.set("logs", std::move(logs));
    return out;
}

std::string expired_text(UnixTime not_after) {
    return "the certificate expired at " + format_rfc3339(not_after);
}

}  // namespace ratls::agent
