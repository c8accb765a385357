#include "verify/cli/target.h"

#include "ratls/evidence/eventlog/log.h"
#include "ratls/evidence/ima/log.h"
#include "verify/cli/progress.h"

namespace ratls::cli {
namespace {

/// An IMA log in memory, in binary form.
Result<std::shared_ptr<ima::LogSource>> hold_log(ByteView content, Io& io) {
    auto out = std::make_shared<GrowingLog>(io.files);
    if (ima::looks_like_ascii(content)) {
        RATLS_TRY(const Bytes binary, ima::ascii_to_binary(as_text(content)));
        RATLS_CHECK(out->append(binary));
    } else {
        RATLS_CHECK(out->append(content));
    }
    return out;
}

}  // namespace

Result<std::shared_ptr<ima::LogSource>> open_long_log(Io& io, const std::string& path) {
    const std::uint64_t size = io.files.size(path);
    if (size <= eventlog::kMaxLogBytes || size > kMaxLogFile) {
        return nullptr;
    }
    RATLS_TRY(std::unique_ptr<OpenFile> file, io.files.open(path));
    auto out = std::make_shared<FileLog>(std::move(file));
    RATLS_TRY(const ima::LogSource::Piece begin, out->at(0));
    ima::Entry entry;
    return ima::LogReader(begin.bytes).next(entry) ? out : nullptr;
}

Result<LogFiles> load_logs(const VerifyOptions& options, Io& io) {
    LogFiles out;
    for (const std::string& path : options.logs) {
        RATLS_TRY(std::shared_ptr<ima::LogSource> log, open_long_log(io, path));
        Bytes content;
        if (log == nullptr) {
            RATLS_TRY(content, read_option(io, "--log", path, kMaxLogFile));
        }
        const bool boot = eventlog::parse_log(content, eventlog::Kind::tcg).has_value() ||
                          eventlog::parse_log(content, eventlog::Kind::ccel).has_value();
        if (boot ? out.boot.has_value() : out.ima != nullptr) {
            return fail(Code::usage, "--log", "one IMA log and one boot log wanted");
        }
        if (boot) {
            out.boot = std::move(content);
        } else if (log != nullptr) {
            out.ima = std::move(log);
        } else {
            RATLS_TRY(out.ima, hold_log(content, io));
        }
    }
    return out;
}

Result<HostTarget> HostTarget::load(const VerifyOptions& options, const verify::Policy& policy,
                                    Io& io) {
    HostTarget out;
    RATLS_TRY(out.endpoint_, parse_endpoint(options.target, options.resolve));
    RATLS_TRY(out.snapshot_, GivenSnapshot::load(options, policy, io));
    RATLS_TRY(out.logs_, load_logs(options, io));
    out.evidence_only_ = options.evidence_only;
    return out;
}

Result<verify::LiveResult> HostTarget::verify(const LoadedOptions& loaded, Io& io,
                                              verify::LiveMemory* memory) const {
    const verify::Context context = loaded.context();
    Progress progress(io);
    const verify::LiveInputs inputs{
        .endpoint = endpoint_,
        .context = context,
        .snapshot = snapshot_.input(io, loaded.now),
        .evidence_only = evidence_only_,
        .ima_log = logs_.ima,
        .boot_log = logs_.boot,
        .progress = [&](std::size_t bytes) { progress.show(bytes >> 10, "KiB of the IMA log"); },
        .memory = memory};
    CurlHttpClient http;
    return verify::verify_live(inputs, http, io.files);
}

Result<verify::LiveResult> verify_host(const VerifyOptions& options, const LoadedOptions& loaded,
                                       Io& io) {
    RATLS_TRY(const HostTarget host, HostTarget::load(options, loaded.policy, io));
    return host.verify(loaded, io);
}

Status refuse_weakening(const VerifyOptions& options) {
    if (options.evidence_only || !options.at_time.empty()) {
        return fail(Code::usage, options.evidence_only ? "--evidence-only" : "--at-time",
                    "this command acts on accepted verdicts of now only; use `ratls verify`");
    }
    return {};
}

}  // namespace ratls::cli
