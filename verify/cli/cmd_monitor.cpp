#include <ostream>

#include "ratls/base/text.h"
#include "ratls/platform/program.h"
#include "ratls/platform/waiter.h"
#include "verify/cli/target.h"

namespace ratls::cli {
namespace {

/// Nothing if there was no IMA log.
std::optional<std::int64_t> ima_entries(const verify::VerificationResult& result) {
    const Json* ima = result.claims.find("ima");
    const Json* member = ima != nullptr ? ima->find("entries") : nullptr;
    return member != nullptr && member->if_int() != nullptr ? std::optional(*member->if_int())
                                                            : std::nullopt;
}

/// One line, also for what is refused: that is printed in full after it. `entries_before`: in the
/// log at the round before.
std::string line(const verify::VerificationResult& result, std::int64_t entries_before) {
    std::string out = format_rfc3339(result.verified_at) + " " +
                      std::string(verify::outcome_name(result.outcome)) + ", freshness " +
                      std::to_string(result.freshness);
    if (const auto entries = ima_entries(result)) {
        out += ", " + std::to_string(*entries) + " IMA entries";
        if (*entries >= entries_before) {  // else it was started anew
            out += ", " + std::to_string(*entries - entries_before) + " new";
        }
    }
    for (const verify::Finding& finding : result.findings.all()) {
        if (finding.rule == "ima.continuity" && finding.verdict == verify::Verdict::pass &&
            finding.actual.contains("started anew")) {
            out += "; " + printable(finding.actual);
        }
    }
    return out + "\n";
}

Status check_options(const MonitorOptions& options) {
    if (!options.verify.at_time.empty()) {
        return fail(Code::usage, "--at-time", "this command is about now; use `ratls verify`");
    }
    if (!options.verify.logs.empty()) {
        return fail(Code::usage, "--log", "the log of a running host grows: it is fetched");
    }
    return {};
}

}  // namespace

int cmd_monitor(const MonitorOptions& options, Io& io) {
    if (auto status = check_options(options); !status) {
        return report(io, status.error());
    }
    const VerifyOptions& verifying = options.verify;
    auto loaded = load(verifying, io);
    if (!loaded) {
        return report(io, loaded.error(), "`ratls monitor --help` has an example");
    }
    const auto host = HostTarget::load(verifying, loaded->policy, io);
    if (!host) {
        return report(io, host.error(), "`ratls monitor --help` has an example");
    }
    verify::LiveMemory memory;
    LinuxWaiter waiter;
    std::int64_t entries = 0;
    for (unsigned round = 1;; ++round) {
        loaded->now = io.clock.now();
        const auto live = host->verify(*loaded, io, &memory);
        if (!live) {
            return report(io, live.error());
        }
        const verify::VerificationResult& result = live->result;
        io.out << (options.verify.json ? verify::result_json(result).line() + "\n"
                                       : line(result, entries))
               << std::flush;
        if (!io.out) {
            return kExitFault;  // the end of the program says why
        }
        if (const int code = verify::outcome_exit_code(result.outcome); code != 0) {
            if (!options.verify.json) {
                io.out << verify::result_text(result);
            }
            return code;
        }
        entries = ima_entries(result).value_or(0);
        if (round == options.times) {
            return 0;
        }
        waiter.wait(std::chrono::seconds(options.every_s));
    }
}

}  // namespace ratls::cli
