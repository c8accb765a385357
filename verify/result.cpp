#include "verify/result.h"

#include "ratls/base/text.h"

namespace ratls::verify {

std::string_view outcome_name(Outcome outcome) {
    switch (outcome) {
        case Outcome::accepted:
            return "accepted";
        case Outcome::genuine:
            return "genuine";
        case Outcome::invalid:
            return "invalid";
        case Outcome::refused:
            return "refused";
        case Outcome::unavailable:
            return "unavailable";
    }
    return "invalid";
}

int outcome_exit_code(Outcome outcome) {
    switch (outcome) {
        case Outcome::accepted:
        case Outcome::genuine:
            return 0;
        case Outcome::invalid:
            return 2;
        case Outcome::refused:
            return 3;
        case Outcome::unavailable:
            return 4;
    }
    return 2;
}

Outcome conclude(const Findings& findings, bool compared) {
    if (findings.all().empty() || findings.failed(Weight::sound)) {
        return Outcome::invalid;
    }
    if (findings.failed(Weight::needed)) {
        return Outcome::unavailable;
    }
    if (findings.failed(Weight::policy)) {
        return Outcome::refused;
    }
    return compared ? Outcome::accepted : Outcome::genuine;
}

void VerificationResult::skip(const std::vector<std::string>& documents) {
    for (const std::string& document : documents) {
        if (std::ranges::find(skipped, document) == skipped.end()) {
            skipped.push_back(document);
        }
    }
}

namespace {

Json snapshot_json(const SnapshotSummary& snapshot) {
    Json out(Json::Object{});
    out.set("name", snapshot.name).set("sequence", snapshot.sequence);
    out.set("origin", snapshot.origin).set("signers", text_array(snapshot.signers));
    return out.set("first_use", snapshot.first_use);
}

std::string snapshot_text(const SnapshotSummary& snapshot) {
    constexpr std::size_t kShort = 8;
    std::string out = "  snapshot   " + quoted(snapshot.name) + ", sequence " +
                      std::to_string(snapshot.sequence) + ", " + snapshot.origin;
    for (std::size_t i = 0; i < snapshot.signers.size(); ++i) {
        out += (i == 0 ? ", signed by " : " and ") + snapshot.signers[i].substr(0, kShort);
    }
    return out +
           (snapshot.first_use ? "; first use: no number of this name was seen before\n" : "\n");
}

}  // namespace

Json result_json(const VerificationResult& result) {
    Json out(Json::Object{});
    out.set("verdict", outcome_name(result.outcome)).set("genuine", result.genuine());
    out.set("root", result.root.empty() ? Json() : Json(result.root));
    if (result.tcb) {
        Json tcb(Json::Object{});
        tcb.set("status", result.tcb->status).set("advisories", text_array(result.tcb->advisories));
        tcb.set("date", result.tcb->date);
        out.set("tcb", std::move(tcb));
    } else {
        out.set("tcb", Json());
    }
    Json tpm(Json::Object{});
    tpm.set("class", result.tpm.name).set("excludes_host", result.tpm.excludes_host);
    tpm.set("excludes_guest_root", result.tpm.excludes_guest_root);
    tpm.set("assumption", result.tpm.assumption);
    out.set("tpm", std::move(tpm));
    out.set("freshness", result.freshness);
    out.set("relay", result.relay_possible() ? "possible" : "excluded");
    out.set("not_older_than",
            result.not_older_than ? Json(format_rfc3339(*result.not_older_than)) : Json());
    out.set("dialect", result.dialect.empty() ? Json() : Json(result.dialect));
    out.set("snapshot", result.snapshot ? snapshot_json(*result.snapshot) : Json());
    Json findings(Json::Array{});
    for (const Finding& finding : result.findings.all()) {
        Json item(Json::Object{});
        item.set("rule", finding.rule).set("verdict", verdict_name(finding.verdict));
        item.set("expected", finding.expected).set("actual", finding.actual);
        findings.push(std::move(item));
    }
    out.set("findings", std::move(findings));
    out.set("claims", result.claims);
    out.set("not_checked", text_array(result.not_checked));
    out.set("skipped", text_array(result.skipped));
    out.set("verified_at", format_rfc3339(result.verified_at));
    return out;
}

std::string result_text(const VerificationResult& result) {
    std::string out(outcome_name(result.outcome));
    std::size_t passed = 0;
    for (const Finding& finding : result.findings.all()) {
        passed += finding.verdict == Verdict::pass ? 1 : 0;
    }
    out += ": " + std::to_string(passed) + " of " + std::to_string(result.findings.all().size()) +
           " rules passed, verified at " + format_rfc3339(result.verified_at) + "\n";
    if (!result.root.empty()) {
        out += "  root       " +
               std::string(result.root == kRootOfUser ? "given by --trust-root, not the vendor's"
                                                      : "the vendor's, pinned") +
               "\n";
    }
    if (result.tcb) {
        out +=
            "  tcb        " + printable(result.tcb->status) + ", of " + printable(result.tcb->date);
        for (const std::string& advisory : result.tcb->advisories) {
            out += ", " + printable(advisory);
        }
        out += "\n";
    }
    if (result.tpm.name != "none") {
        out += "  tpm        " + result.tpm.name + ": excludes host " +
               (result.tpm.excludes_host ? "yes" : "no") + ", excludes guest root " +
               (result.tpm.excludes_guest_root ? "yes" : "no") + "\n";
        out += "             " + printable(result.tpm.assumption) + "\n";
    }
    if (result.snapshot) {
        out += snapshot_text(*result.snapshot);
    }
    out += "  freshness  " + std::to_string(result.freshness);
    if (result.not_older_than) {
        out += ", not older than " + format_rfc3339(*result.not_older_than);
    }
    out += result.relay_possible() ? "; relay possible\n" : "; relay excluded\n";
    for (const Finding& finding : result.findings.all()) {
        if (finding.verdict == Verdict::pass) {
            continue;
        }
        out += "  " + std::string(verdict_name(finding.verdict)) + "  " + finding.rule + ": ";
        out += finding.expected.empty() ? "" : "wanted " + printable(finding.expected) + ", ";
        out += "found " + printable(finding.actual) + "\n";
    }
    for (const std::string& item : result.not_checked) {
        out += "  not checked: " + printable(item) + "\n";
    }
    constexpr std::size_t kMaxSkipped = 10;  // JSON has them all
    for (std::size_t i = 0; i < result.skipped.size() && i < kMaxSkipped; ++i) {
        out += "  skipped: " + printable(result.skipped[i]) + "\n";
    }
    if (result.skipped.size() > kMaxSkipped) {
        out += "  skipped: " + std::to_string(result.skipped.size() - kMaxSkipped) + " more\n";
    }
    return out;
}

}  // namespace ratls::verify
