#include "ratls/platform/quote_provider_tsm.h"

#include <charconv>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/crypto/random.h"

namespace ratls {
namespace {

constexpr unsigned kAttempts = 5;
constexpr unsigned kMaxPrivlevel = 3;
constexpr std::size_t kMaxAttribute = 4096;           // one page: sysfs and configfs text files
constexpr std::size_t kMaxReport = 64 * 1024;         // TSM_OUTBLOB_MAX is 32 KiB in Linux 6.7
constexpr std::size_t kMaxCertificates = 256 * 1024;  // SEV_FW_BLOB_MAX_SIZE is 16 KiB
constexpr std::size_t kMaxManifest = 64 * 1024;

std::unexpected<Error> tsm_failure(Error error) {
    return std::unexpected(std::move(error).in("tsm"));
}

std::string_view without_newline(ByteView text) {
    const std::string_view all = as_text(text);
    return all.ends_with('\n') ? all.substr(0, all.size() - 1) : all;
}

}  // namespace

Result<TeeQuote> TsmQuoteProvider::quote(const std::array<std::uint8_t, 64>& report_data) {
    if (privlevel_.value_or(0) > kMaxPrivlevel) {
        return fail(Code::usage, "tsm: privlevel", "0 to 3 wanted");
    }
    // Busy, or somebody else wrote to our entry: another entry has nothing to do with that one.
    for (unsigned i = 1;; ++i) {
        auto quote = attempt(report_data);
        if (quote) {
            return quote;
        }
        const bool again =
            quote.error().code == Code::unavailable || quote.error().code == Code::mismatch;
        if (!again || i == kAttempts) {
            return tsm_failure(std::move(quote).error());
        }
    }
}

Result<TeeQuote> TsmQuoteProvider::attempt(const std::array<std::uint8_t, 64>& report_data) {
    const std::string entry = directory_ + "/ratls-" + hex(random_array<8>());
    RATLS_CHECK(files_.make_directory(entry));
    auto quote = fill(entry, report_data);
    const Status removed = files_.remove_directory(entry);
    if (quote && !removed) {
        return std::unexpected(removed.error());
    }
    return quote;
}

Result<TeeQuote> TsmQuoteProvider::fill(const std::string& entry,
                                        const std::array<std::uint8_t, 64>& report_data) {
    RATLS_TRY(std::uint64_t expected, number(entry, "generation"));
    RATLS_TRY(const unsigned options, write_options(entry));
    RATLS_CHECK(files_.write(entry + "/inblob", report_data));
    expected += options + 1;

    TeeQuote out;
    RATLS_TRY(const Bytes provider, files_.read(entry + "/provider", kMaxAttribute));
    out.kind = without_newline(provider);
    if (out.kind != "sev_guest" && out.kind != "tdx_guest") {
        return fail(Code::unsupported, "provider",
                    "sev_guest or tdx_guest wanted, " + quoted(out.kind) + " found");
    }
    RATLS_TRY(out.report, files_.read(entry + "/outblob", kMaxReport));
    if (out.kind == "sev_guest") {  // TDX has no such attribute
        RATLS_TRY(out.aux, files_.read(entry + "/auxblob", kMaxCertificates));
    }
    if (svsm_) {
        out.kind = "svsm";
        RATLS_TRY(out.manifest, files_.read(entry + "/manifestblob", kMaxManifest));
    }
    RATLS_TRY(const std::uint64_t now, number(entry, "generation"));
    if (now != expected) {
        return fail(Code::mismatch, "generation",
                    std::to_string(expected) + " wanted, " + std::to_string(now) + " found");
    }
    if (out.report.empty()) {
        return fail(Code::io, "outblob", "is empty");
    }
    return out;
}

Result<unsigned> TsmQuoteProvider::write_options(const std::string& entry) {
    unsigned writes = 0;
    if (privlevel_) {
        RATLS_CHECK(check_privlevel(entry));
        RATLS_CHECK(files_.write(entry + "/privlevel", as_bytes(std::to_string(*privlevel_))));
        ++writes;
    }
    if (svsm_) {
        RATLS_TRY(const unsigned more, write_svsm(entry));
        writes += more;
    }
    return writes;
}

/// The kernel would only say "Invalid argument".
Status TsmQuoteProvider::check_privlevel(const std::string& entry) {
    const auto floor = number(entry, "privlevel_floor");
    if (!floor) {
        return std::unexpected(floor.error());
    }
    if (*privlevel_ < *floor) {
        return fail(Code::denied, "privlevel",
                    "this guest may ask for " + std::to_string(*floor) + " and higher, not for " +
                        std::to_string(*privlevel_));
    }
    return {};
}

Result<unsigned> TsmQuoteProvider::write_svsm(const std::string& entry) {
    const Status provider = files_.write(entry + "/service_provider", as_bytes("svsm"));
    if (!provider) {
        const bool absent = provider.error().code == Code::unavailable;
        return fail(absent ? Code::unsupported : provider.error().code, "service_provider",
                    absent ? "this kernel and its TEE have none" : provider.error().text());
    }
    unsigned writes = 1;
    if (!svsm_->guid.empty()) {
        RATLS_CHECK(files_.write(entry + "/service_guid", as_bytes(svsm_->guid)));
        ++writes;
    }
    if (svsm_->manifest_version) {
        RATLS_CHECK(files_.write(entry + "/service_manifest_version",
                                 as_bytes(std::to_string(*svsm_->manifest_version))));
        ++writes;
    }
    return writes;
}

/// The generation counts the writes to the entry, so that a report is not taken for an answer to
/// another question than ours.
Result<std::uint64_t> TsmQuoteProvider::number(const std::string& entry,
                                               const std::string& attribute) {
    RATLS_TRY(const Bytes text, files_.read(entry + "/" + attribute, kMaxAttribute));
    const std::string_view digits = without_newline(text);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
        return fail(Code::malformed, attribute, "a number wanted, " + quoted(digits) + " found");
    }
    return value;
}

}  // namespace ratls
