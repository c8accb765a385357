#include <cstdlib>
#include <ostream>

#include "ratls/base/text.h"
#include "ratls/codec/json.h"
#include "ratls/endorse/amd.h"
#include "ratls/endorse/cache.h"
#include "ratls/endorse/fetch.h"
#include "ratls/endorse/intel.h"
#include "verify/cli/commands.h"
#include "verify/cli/options.h"

namespace ratls::cli {
namespace {

using endorse::CachedFile;
using endorse::Document;
using endorse::Plan;

Result<std::string> cache_folder() {
    const char* cache = std::getenv("XDG_CACHE_HOME");
    if (cache != nullptr && *cache == '/') {
        return std::string(cache) + "/ratls/collateral";
    }
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home != '/') {
        return fail(Code::usage, "cache", "neither XDG_CACHE_HOME nor HOME names a folder");
    }
    return std::string(home) + "/.cache/ratls/collateral";
}

Result<Plan> plan_for_snp(const CollateralFetchOptions& options, Io& io) {
    if (options.target.empty()) {
        return fail(Code::usage, "EVIDENCE", "the file of a report wanted");
    }
    if (!options.fmspc.empty() || !options.ca.empty() || !options.tee.empty() ||
        !options.pcs.empty()) {
        return fail(Code::usage, "--evidence snp", "no --tee, --fmspc, --ca or --pcs goes with it");
    }
    RATLS_TRY(const Bytes file, read_option(io, "EVIDENCE", options.target, kMaxSmallFile));
    RATLS_TRY(const snp::Report report, snp::parse_report(file));
    RATLS_TRY(const endorse::AmdKey key,
              endorse::amd_key(report, snp::line_from_name(options.product)));
    return endorse::amd_plan(key, options.kds.empty() ? endorse::kAmdServer : options.kds);
}

Result<endorse::IntelKey> intel_key(const CollateralFetchOptions& options) {
    const auto tee = endorse::tee_from_name(options.tee);
    const auto ca = endorse::pck_ca_from_name(options.ca);
    if (!tee || !ca || options.fmspc.empty()) {
        return fail(Code::usage, "fetch",
                    "--evidence KIND FILE wanted, or --tee, --fmspc and --ca for Intel");
    }
    if (!options.target.empty() || !options.product.empty() || !options.kds.empty()) {
        return fail(Code::usage, "--fmspc", "no EVIDENCE, --product or --kds goes with it");
    }
    RATLS_TRY(const auto fmspc, endorse::fmspc_from_hex(options.fmspc));
    return endorse::IntelKey{*tee, *ca, fmspc};
}

/// What the PCK certificate in a quote says.
Result<endorse::IntelKey> intel_key_of_quote(const CollateralFetchOptions& options, Io& io) {
    if (options.target.empty() || !options.fmspc.empty() || !options.ca.empty() ||
        !options.tee.empty() || !options.product.empty() || !options.kds.empty()) {
        return fail(Code::usage, "--evidence " + options.evidence,
                    "the file of a quote wanted, and no --tee, --fmspc, --ca, --product or --kds");
    }
    RATLS_TRY(const Bytes file, read_option(io, "EVIDENCE", options.target, kMaxSmallFile));
    RATLS_TRY(const dcap::Quote quote, dcap::parse_quote(file));
    if (quote.tee != (options.evidence == "tdx" ? dcap::Tee::tdx : dcap::Tee::sgx)) {
        return fail(Code::usage, "--evidence",
                    "this is a quote of " + std::string(dcap::tee_name(quote.tee)));
    }
    RATLS_TRY(const std::vector<Certificate> chain,
              parse_certificates(dcap::pck_chain_text(quote)));
    RATLS_TRY(const dcap::Pck pck, dcap::parse_pck(chain[0]));
    const bool platform = common_name(chain[0].issuer()) == "Intel SGX PCK Platform CA";
    return endorse::IntelKey{
        quote.tee, platform ? endorse::PckCa::platform : endorse::PckCa::processor, pck.fmspc};
}

/// What is to be fetched: as the evidence says, or as the options do.
Result<Plan> make_plan(const CollateralFetchOptions& options, Io& io) {
    if (options.evidence == "snp") {
        return plan_for_snp(options, io);
    }
    const bool quote = options.evidence == "tdx" || options.evidence == "sgx";
    RATLS_TRY(const endorse::IntelKey key,
              quote ? intel_key_of_quote(options, io) : intel_key(options));
    return endorse::intel_plan(key,
                               options.pcs.empty() ? std::nullopt : std::optional(options.pcs));
}

Result<std::string> folder_of(const std::string& out, const std::string& key) {
    if (!out.empty()) {
        return out;
    }
    RATLS_TRY(const std::string cache, cache_folder());
    return cache + "/" + key;
}

/// --ca-file is there, and neither that nor EVIDENCE is a file that will be written.
Status check_files(const Plan& plan, const std::string& folder,
                   const CollateralFetchOptions& options, Io& io) {
    if (options.ca_file == "-") {
        return fail(Code::usage, "--ca-file", "a file wanted: it is read for each document");
    }
    if (!options.ca_file.empty()) {
        RATLS_CHECK(read_option(io, "--ca-file", options.ca_file, kMaxSmallFile));
    }
    const std::array<NamedFile, 2> inputs = {
        {{"EVIDENCE", options.target}, {"--ca-file", options.ca_file}}};
    for (const endorse::Source& source : plan.sources) {
        for (const endorse::Part* part : {&source.body, &source.chain}) {
            RATLS_CHECK(keep_inputs(io.files, {"--out", folder + "/" + part->file}, inputs));
        }
    }
    return {};
}

std::string_view hint_for(const Error& error) {
    switch (error.code) {
        case Code::usage:
            return error.where == "product" ? "--product Milan|Genoa|Turin"
                                            : "`ratls collateral fetch --help` has an example";
        case Code::unavailable:
            return "`ratls collateral export` brings a set from a machine that can fetch it; "
                   "--max-wait is the patience with a busy server";
        case Code::untrusted:
            return "--ca-file names the certificates that vouch for a server of your own";
        case Code::stale:
            return "if these dates are right, the clock of this machine is wrong";
        default:
            return {};
    }
}

void print_fetched(const Plan& plan, const std::string& folder,
                   const std::vector<Document>& documents, std::ostream& out) {
    out << printable(plan.key) << "\n  folder: " << ratls::quoted(folder, 300) << "\n";
    for (const Document& document : documents) {
        out << "  " << printable(document.file) << ": " << (document.fetched ? "fetched" : "kept")
            << ", valid from " << format_rfc3339(document.validity.not_before) << " to "
            << format_rfc3339(document.validity.not_after) << "\n";
    }
}

Json fetched_json(const Plan& plan, const std::string& folder,
                  const std::vector<Document>& documents) {
    Json list(Json::Array{});
    for (const Document& document : documents) {
        Json item(Json::Object{});
        item.set("file", document.file).set("url", document.url);
        item.set("fetched", document.fetched);
        item.set("not_before", format_rfc3339(document.validity.not_before));
        item.set("not_after", format_rfc3339(document.validity.not_after));
        list.push(std::move(item));
    }
    Json not_fetched(Json::Array{});
    for (const std::string& text : plan.not_fetched) {
        not_fetched.push(text);
    }
    Json out(Json::Object{});
    out.set("key", plan.key).set("folder", folder).set("documents", std::move(list));
    return out.set("not_fetched", std::move(not_fetched));
}

Result<std::vector<Document>> obtain(const Plan& plan, const std::string& folder,
                                     const CollateralFetchOptions& options, Io& io) {
    CurlHttpClient http;
    LinuxWaiter waiter;
    endorse::Downloader downloader(
        http, io.clock, waiter,
        {.max_wait = std::chrono::seconds(options.max_wait), .ca_file = options.ca_file},
        [&io](const std::string& text) { io.err << "note: " << printable(text) << "\n"; });
    return endorse::obtain(
        plan, folder, io.files, io.clock.now(),
        {.downloader = options.offline ? nullptr : &downloader, .refresh = options.refresh});
}

/// "current", "expired" and so on: what the dates of a document, or its form, come to.
std::string state_of(const CachedFile& file, UnixTime now) {
    if (!file.description) {
        return "unreadable";
    }
    const endorse::Validity& validity = file.description->validity;
    return now < validity.not_before  ? "not yet valid"
           : now > validity.not_after ? "expired"
                                      : "current";
}

Json cached_json(const CachedFile& file, UnixTime now) {
    Json out(Json::Object{});
    out.set("file", file.name).set("state", state_of(file, now));
    if (file.description) {
        out.set("kind", endorse::kind_name(file.description->kind));
        out.set("not_before", format_rfc3339(file.description->validity.not_before));
        out.set("not_after", format_rfc3339(file.description->validity.not_after));
    }
    return out;
}

void print_cached(const CachedFile& file, UnixTime now, std::ostream& out) {
    out << "  " << ratls::quoted(file.name, 300) << ": " << state_of(file, now);
    if (file.description) {
        out << ", valid from " << format_rfc3339(file.description->validity.not_before) << " to "
            << format_rfc3339(file.description->validity.not_after);
    }
    out << "\n";
}

struct CachedSet {
    std::string key;
    std::vector<CachedFile> files;
};

Result<std::vector<CachedSet>> read_cache(const std::string& cache, Io& io) {
    RATLS_TRY(const std::vector<std::string> keys, endorse::list_keys(io.files, cache));
    std::vector<CachedSet> out;
    for (const std::string& key : keys) {
        RATLS_TRY(std::vector<CachedFile> files, endorse::read_set(io.files, cache + "/" + key));
        out.push_back({key, std::move(files)});
    }
    return out;
}

/// The key must be one of the cache: nothing else is ever read.
Result<std::vector<CachedFile>> export_from_cache(const CollateralExportOptions& options, Io& io) {
    RATLS_TRY(const std::string cache, cache_folder());
    RATLS_TRY(const std::vector<std::string> keys, endorse::list_keys(io.files, cache));
    if (std::ranges::find(keys, options.key) == keys.end()) {
        return fail(Code::usage, "KEY", "the cache has no set " + ratls::quoted(options.key, 300));
    }
    RATLS_TRY(std::vector<CachedFile> set, endorse::read_set(io.files, cache + "/" + options.key));
    if (auto status = endorse::export_set(io.files, set, options.out); !status) {
        return std::unexpected(in_call(std::move(status).error(), "--out"));
    }
    return set;
}

}  // namespace

int cmd_collateral_fetch(const CollateralFetchOptions& options, Io& io) {
    const auto plan = make_plan(options, io);
    if (!plan) {
        return report(io, plan.error(), hint_for(plan.error()));
    }
    const auto folder = folder_of(options.out, plan->key);
    if (!folder) {
        return report(io, folder.error(), "--out names a folder");
    }
    if (auto status = check_files(*plan, *folder, options, io); !status) {
        return report(io, status.error(), "--out names a folder");
    }
    for (const std::string& text : plan->not_fetched) {
        io.err << "note: not fetched: " << printable(text) << "\n";
    }
    auto documents = obtain(*plan, *folder, options, io);
    if (!documents && documents.error().code == Code::denied && !options.out.empty()) {
        documents = std::unexpected(in_call(std::move(documents).error(), "--out"));
    }
    if (!documents) {
        return report(io, documents.error(), hint_for(documents.error()));
    }
    if (options.json) {
        io.out << fetched_json(*plan, *folder, *documents).pretty();
    } else {
        print_fetched(*plan, *folder, *documents, io.out);
        io.err << "note: form and dates only; `ratls verify --endorsements DIR` checks the "
                  "signatures\n";
    }
    return 0;
}

int cmd_collateral_list(bool json, Io& io) {
    const auto cache = cache_folder();
    if (!cache) {
        return report(io, cache.error());
    }
    const auto sets = read_cache(*cache, io);
    if (!sets) {
        return report(io, sets.error());
    }
    const UnixTime now = io.clock.now();
    Json list(Json::Array{});
    for (const CachedSet& set : *sets) {
        Json documents(Json::Array{});
        for (const CachedFile& file : set.files) {
            documents.push(cached_json(file, now));
        }
        list.push(Json(Json::Object{}).set("key", set.key).set("documents", std::move(documents)));
    }
    if (json) {
        io.out << Json(Json::Object{}).set("cache", *cache).set("sets", std::move(list)).pretty();
        return 0;
    }
    for (const CachedSet& set : *sets) {
        io.out << printable(set.key) << "\n";
        for (const CachedFile& file : set.files) {
            print_cached(file, now, io.out);
        }
    }
    return 0;
}

int cmd_collateral_export(const CollateralExportOptions& options, Io& io) {
    const auto set = export_from_cache(options, io);
    if (!set) {
        return report(io, set.error(),
                      set.error().where == "KEY" ? "`ratls collateral list` names them all" : "");
    }
    const UnixTime now = io.clock.now();
    Json documents(Json::Array{});
    for (const CachedFile& file : *set) {
        documents.push(cached_json(file, now));
        if (state_of(file, now) != "current") {
            io.err << "note: " << printable(file.name) << " is " << state_of(file, now) << "\n";
        }
    }
    if (options.json) {
        Json out(Json::Object{});
        out.set("key", options.key).set("folder", options.out);
        io.out << out.set("documents", std::move(documents)).pretty();
    } else {
        io.out << printable(options.key) << " -> " << ratls::quoted(options.out, 300) << "\n";
    }
    return 0;
}

}  // namespace ratls::cli
