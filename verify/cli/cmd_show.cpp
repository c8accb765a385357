#include <ostream>

#include "ratls/base/text.h"
#include "ratls/cert/describe.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/eventlog/decode.h"
#include "ratls/evidence/ima/replay.h"
#include "verify/appraise/dcap.h"
#include "verify/cli/commands.h"
#include "verify/cli/options.h"
#include "verify/cli/target.h"
#include "verify/formats/hcl.h"

namespace ratls::cli {
namespace {

Json replay_json(const std::map<HashAlg, std::map<std::uint32_t, Digest>>& values, bool ccel) {
    Json out(Json::Object{});
    for (const auto& [bank, registers] : values) {
        Json inner(Json::Object{});
        for (const auto& [index, value] : registers) {
            // CCEL register 0 is MRTD, which is measured by the module and never extended.
            if (!ccel) {
                inner.set(std::to_string(index), hex(value.view()));
            } else if (index > 0) {
                inner.set("rtmr" + std::to_string(index - 1), hex(value.view()));
            }
        }
        out.set(hash_name(bank), std::move(inner));
    }
    return out;
}

Result<Json> show_ima(ima::LogSource& log, std::string_view format) {
    RATLS_TRY(const ima::Summary summary, ima::summarize(log));
    Json out(Json::Object{});
    out.set("format", format);
    out.set("entries", std::uint64_t{summary.entries});
    out.set("violations", std::uint64_t{summary.violations});
    out.set("template_digests", hash_name(summary.list));
    out.set("replay", replay_json(summary.values, false));
    return out;
}

Result<Json> show_ima(ByteView file) {
    if (!ima::looks_like_ascii(file)) {
        ima::MemoryLog log(file);
        return show_ima(log, "ima-binary");
    }
    RATLS_TRY(const Bytes converted, ima::ascii_to_binary(as_text(file)));
    ima::MemoryLog log(converted);
    return show_ima(log, "ima-ascii");
}

/// What an event says, and what of it the digests prove once the log replays to a quote.
Json decoded_json(const eventlog::Decoded& decoded) {
    Json fields(Json::Array{});
    for (const eventlog::Field& field : decoded.fields) {
        Json item(Json::Object{});
        item.set("name", field.name).set("value", field.value).set("covered", field.covered);
        fields.push(std::move(item));
    }
    Json out(Json::Object{});
    out.set("kind", decoded.kind).set("digest_of", decoded.digest_of);
    return out.set("fields", std::move(fields));
}

Result<Json> show_eventlog(ByteView file, eventlog::Kind kind) {
    RATLS_TRY(const eventlog::Log log, eventlog::parse_log(file, kind));
    std::map<HashAlg, std::map<std::uint32_t, Digest>> values;
    for (const HashAlg bank : log.banks) {
        values[bank] = eventlog::replay(log, bank);
    }
    Json mismatches(Json::Array{});
    for (const std::size_t index : eventlog::data_mismatches(log)) {
        mismatches.push(std::uint64_t{index});
    }
    Json out(Json::Object{});
    out.set("format", kind == eventlog::Kind::ccel ? "ccel"
                      : log.crypto_agile           ? "tcg-crypto-agile"
                                                   : "tcg-sha1");
    out.set("events", std::uint64_t{log.events.size()});
    out.set("replay", replay_json(values, kind == eventlog::Kind::ccel));
    out.set("digest_not_of_data", std::move(mismatches));
    Json list(Json::Array{});
    for (const eventlog::Event& event : log.events) {
        Json item(Json::Object{});
        item.set("index", std::uint64_t{event.index});
        item.set("type", eventlog::event_type_name(event.type));
        for (const eventlog::EventDigest& digest : event.digests) {
            item.set(hash_name(digest.alg), hex(digest.value));
        }
        item.set("data_bytes", std::uint64_t{event.data.size()});
        if (const auto decoded = eventlog::decode(event)) {
            item.set("decoded", decoded_json(*decoded));
        }
        list.push(std::move(item));
    }
    out.set("event_list", std::move(list));
    return out;
}

Result<Json> show_snp(ByteView file) {
    RATLS_TRY(const snp::Report report, snp::parse_report(file));
    return Json(Json::Object{}).set("format", "snp").set("claims", verify::snp_claims(report));
}

/// What the quote carries besides: nobody has checked it.
Json pck_chain_json(const dcap::Quote& quote) {
    Json out(Json::Array{});
    const auto chain = parse_certificates(dcap::pck_chain_text(quote));
    for (const Certificate& certificate : chain ? *chain : std::vector<Certificate>()) {
        Json item(Json::Object{});
        item.set("subject", name_text(certificate.subject()));
        item.set("not_before", format_rfc3339(certificate.not_before()));
        item.set("not_after", format_rfc3339(certificate.not_after()));
        if (const auto pck = dcap::parse_pck(certificate)) {
            item.set("pck", verify::pck_claims(*pck));
        }
        out.push(std::move(item));
    }
    return out;
}

Result<Json> show_dcap(ByteView file, dcap::Tee tee) {
    RATLS_TRY(const dcap::Quote quote, dcap::parse_quote(file));
    if (quote.tee != tee) {
        return fail(Code::mismatch, "TARGET",
                    "a quote of " + std::string(dcap::tee_name(quote.tee)) + " found");
    }
    Json out(Json::Object{});
    out.set("format", tee == dcap::Tee::tdx ? "tdx" : "sgx");
    out.set("claims", verify::dcap_claims(quote));
    return out.set("pck_chain", pck_chain_json(quote));
}

Result<Json> show_hcl(ByteView file) {
    RATLS_TRY(const hcl::Report report, hcl::parse_report(file));
    Json out(Json::Object{});
    out.set("format", "hcl").set("claims", verify::hcl_claims(report));
    if (report.type == hcl::ReportType::snp) {
        RATLS_TRY(const snp::Report hardware, snp::parse_report(report.hardware_report));
        out.set("hardware_report", verify::snp_claims(hardware));
    } else {
        out.set("hardware_report", hex(report.hardware_report));
    }
    return out;
}

Result<Json> show_tpm(ByteView file) {
    RATLS_TRY(const tpm::Quote quote, tpm::parse_quote(file));
    Json out(Json::Object{});
    out.set("format", "tpm").set("qualified_signer", hex(quote.qualified_signer));
    out.set("extra_data", hex(quote.extra_data)).set("clock", std::to_string(quote.clock_ms));
    out.set("reset_count", std::uint64_t{quote.reset_count});
    out.set("restart_count", std::uint64_t{quote.restart_count}).set("safe", quote.safe);
    out.set("firmware_version", std::to_string(quote.firmware_version));
    out.set("pcr_select", verify::selection_text(quote.pcrs));
    out.set("pcr_digest", hex(quote.pcr_digest));
    return out;
}

Result<Json> show_certificate(ByteView file) {
    RATLS_TRY(const std::vector<Certificate> certificates, parse_certificates(file));
    RATLS_TRY(const cert::NativeCertificate native, cert::parse_native(certificates.front()));
    return cert::describe(native);
}

/// What a file without --as is: by its first bytes and its size.
std::string guess(ByteView file) {
    if (file.size() == snp::kReportSize && snp::parse_report(file)) {
        return "snp";
    }
    if (as_text(file).starts_with("HCLA")) {
        return "hcl";
    }
    if (const auto quote = dcap::parse_quote(file)) {
        return quote->tee == dcap::Tee::tdx ? "tdx" : "sgx";
    }
    if (tpm::parse_quote(file)) {
        return "tpm";
    }
    if (eventlog::parse_log(file, eventlog::Kind::tcg)) {
        return "eventlog";
    }
    if (parse_certificates(file)) {
        return "cert";
    }
    if (as_text(file).starts_with("{")) {
        return "snapshot";
    }
    ima::Entry entry;
    if (ima::looks_like_ascii(file) || ima::LogReader(file).next(entry)) {
        return "ima";
    }
    return {};
}

Result<Json> show_file(ByteView file, const std::string& as) {
    if (as == "ima") {
        return show_ima(file);
    }
    if (as == "eventlog") {
        return show_eventlog(file, eventlog::Kind::tcg);
    }
    if (as == "ccel") {
        return show_eventlog(file, eventlog::Kind::ccel);
    }
    if (as == "snp") {
        return show_snp(file);
    }
    if (as == "tdx" || as == "sgx") {
        return show_dcap(file, as == "tdx" ? dcap::Tee::tdx : dcap::Tee::sgx);
    }
    if (as == "hcl") {
        return show_hcl(file);
    }
    if (as == "tpm") {
        return show_tpm(file);
    }
    if (as == "cert") {
        return show_certificate(file);
    }
    return fail(Code::malformed, "TARGET", "nothing that can be shown; name its kind with --as");
}

/// Two columns for people; nested values in JSON.
void print_text(const Json& json, const std::string& indent, std::ostream& out) {
    for (const auto& [key, value] : *json.if_object()) {
        if (value.if_object() != nullptr) {
            out << indent << printable(key) << ":\n";
            print_text(value, indent + "  ", out);
        } else if (value.if_string() != nullptr) {
            out << indent << printable(key) << ": " << printable(*value.if_string()) << "\n";
        } else if (value.if_array() != nullptr) {
            out << indent << printable(key) << ":\n";
            for (const Json& item : *value.if_array()) {
                out << indent << "  " << printable(item.line()) << "\n";
            }
        } else {
            out << indent << printable(key) << ": " << printable(value.line()) << "\n";
        }
    }
}

void print(const Json& json, const ShowOptions& options, Io& io) {
    if (options.json) {
        io.out << json.pretty();
    } else {
        print_text(json, "", io.out);
    }
}

/// As it is read: a snapshot may be too large for a tree.
Status show_snapshot(Bytes file, const ShowOptions& options, Io& io) {
    auto text = verify::SnapshotText::read(std::move(file));
    RATLS_TRY(const verify::Snapshot snapshot,
              text ? verify::parse_snapshot(*text)
                   : Result<verify::Snapshot>(std::unexpected(text.error())));
    text = verify::SnapshotText();  // one at a time
    Json signers(Json::Array{});
    for (const verify::SnapshotSignature& signature : snapshot.signatures) {
        signers.push(hex(signature.key));
    }
    Json head = verify::snapshot_head_json(snapshot);
    head.set("digest", hex(snapshot.digest)).set("claimed_signers", std::move(signers));
    if (options.json) {
        verify::write_snapshot_json(head, snapshot.ima ? &*snapshot.ima : nullptr,
                                    [&](std::string_view part) { io.out << part; });
        return {};
    }
    print_text(head, "", io.out);
    if (snapshot.ima) {
        io.out << "ima:\n";
        verify::visit_ima(
            *snapshot.ima, [&](std::string_view list) { io.out << "  " << list << ":\n"; },
            [&](const Json& item) { io.out << "    " << item.line() << "\n"; });
    }
    return {};
}

Status show_target(const ShowOptions& options, Io& io) {
    if (options.as.empty() || options.as == "ima") {
        RATLS_TRY(const std::shared_ptr<ima::LogSource> log, open_long_log(io, options.target));
        if (log != nullptr) {
            RATLS_TRY(const Json shown, show_ima(*log, "ima-binary"));
            print(shown, options, io);
            return {};
        }
    }
    const std::size_t most = options.as == "snapshot" ? kMaxSnapshotFile : kMaxLogFile;
    RATLS_TRY(Bytes file, read_option(io, "TARGET", options.target, most));
    const std::string as = options.as.empty() ? guess(file) : options.as;
    if (as == "snapshot") {
        return show_snapshot(std::move(file), options, io);
    }
    RATLS_TRY(const Json shown, show_file(file, as));
    print(shown, options, io);
    return {};
}

}  // namespace

int cmd_show(const ShowOptions& options, Io& io) {
    const auto shown = show_target(options, io);
    return shown ? 0 : report(io, shown.error(), "`ratls show --help` has an example");
}

}  // namespace ratls::cli
