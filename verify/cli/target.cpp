#include "verify/cli/target.h"

#include <charconv>

#include "ratls/base/text.h"
#include "ratls/evidence/eventlog/log.h"
#include "ratls/evidence/ima/log.h"
#include "verify/cli/progress.h"

namespace ratls::cli {
namespace {

constexpr std::uint16_t kDefaultPort = 443;

Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0) {
        return fail(Code::usage, "TARGET", "port 1 to 65535 wanted, " + ratls::quoted(text));
    }
    return port;
}

}  // namespace

Result<Endpoint> parse_endpoint(const std::string& target,
                                const std::vector<std::string>& resolve) {
    std::string_view text = target;
    if (text.starts_with("https://")) {
        text.remove_prefix(8);
        text = text.substr(0, text.find('/'));
    } else if (text.find("://") != std::string_view::npos ||
               text.find('/') != std::string_view::npos) {
        return fail(Code::usage, "TARGET",
                    "https://host[:port], host[:port] or a file wanted, " + ratls::quoted(target));
    }
    Endpoint out;
    out.port = kDefaultPort;
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) {
            return fail(Code::usage, "TARGET", "a ] is missing in " + ratls::quoted(target));
        }
        out.host = text.substr(1, end - 1);
        port = text.substr(end + 1);
        if (!port.empty() && port[0] != ':') {
            return fail(Code::usage, "TARGET", ":port wanted after ] in " + ratls::quoted(target));
        }
        port = port.empty() ? port : port.substr(1);
    } else {
        const std::size_t colon = text.find(':');
        out.host = text.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    }
    if (!port.empty()) {
        RATLS_TRY(out.port, parse_port(port));
    }
    if (out.host.empty()) {
        return fail(Code::usage, "TARGET", "a host wanted, " + ratls::quoted(target) + " found");
    }
    const std::string prefix = out.host + ":" + std::to_string(out.port) + ":";
    for (const std::string& rule : resolve) {
        if (rule.starts_with(prefix)) {
            out.address = rule.substr(prefix.size());
        }
    }
    return out;
}

bool is_file_target(Io& io, const std::string& target) {
    return !target.starts_with("https://") && io.files.read(target, kMaxSmallFile).has_value();
}

namespace {

/// An IMA log in memory, in binary form.
Result<std::shared_ptr<ima::LogSource>> hold_log(ByteView content, Io& io) {
    auto out = std::make_shared<verify::GrowingLog>(io.files);
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
    auto out = std::make_shared<verify::FileLog>(std::move(file));
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

Result<HostTarget> HostTarget::load(const VerifyOptions& options, Io& io) {
    HostTarget out;
    RATLS_TRY(out.endpoint_, parse_endpoint(options.target, options.resolve));
    RATLS_TRY(out.snapshot_, GivenSnapshot::load(options, io));
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
    RATLS_TRY(const HostTarget host, HostTarget::load(options, io));
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
