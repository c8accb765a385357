#include "test/fake/fake_tsm_files.h"

#include "ratls/base/text.h"
#include "ratls/crypto/hash.h"

namespace ratls::test {
namespace {

const std::string kRoot = std::string(TsmQuoteProvider::kDirectory) + "/";
constexpr std::size_t kMaxInblob = 64;  // TSM_REPORT_INBLOB_MAX
constexpr unsigned kMaxPrivlevel = 3;

bool is_tsm(const std::string& path) {
    return path.starts_with(kRoot);
}

std::unexpected<Error> failure(Code code, const std::string& path, std::string what) {
    return fail(code, quoted(path, 300), std::move(what));
}

std::unexpected<Error> missing(const std::string& path) {
    return failure(Code::unavailable, path, "No such file or directory");
}

std::unexpected<Error> invalid(const std::string& path) {
    return failure(Code::io, path, "Invalid argument");
}

std::unexpected<Error> not_permitted(const std::string& path) {
    return failure(Code::denied, path, "Permission denied");
}

Bytes line(const std::string& text) {
    return to_bytes(as_bytes(text + "\n"));
}

}  // namespace

FakeTsmFiles::FakeTsmFiles(PretendedTee& tee) : tee_(tee) {
    put_directory(TsmQuoteProvider::kDirectory);
}

FakeTsmFiles::Entry* FakeTsmFiles::entry_of(const std::string& path, std::string& attribute) {
    const auto slash = path.rfind('/');
    const auto found = entries_.find(path.substr(0, slash));
    attribute = path.substr(slash + 1);
    return found == entries_.end() ? nullptr : &found->second;
}

Result<Bytes> FakeTsmFiles::read(const std::string& path, std::size_t max_bytes) {
    if (!is_tsm(path)) {
        return FakeFiles::read(path, max_bytes);
    }
    std::string attribute;
    Entry* entry = entry_of(path, attribute);
    if (entry == nullptr) {
        return missing(path);
    }
    RATLS_TRY(Bytes content, read_attribute(*entry, path, attribute));
    if (content.size() > max_bytes) {
        return failure(Code::too_large, path,
                       "at most " + std::to_string(max_bytes) + " bytes wanted");
    }
    return content;
}

Result<Bytes> FakeTsmFiles::read_attribute(Entry& entry, const std::string& path,
                                           const std::string& attribute) {
    if (attribute == "generation") {
        return line(generation_text.value_or(std::to_string(entry.generation)));
    }
    if (attribute == "provider") {
        return line(provider);
    }
    if (attribute == "privlevel_floor") {
        return line(std::to_string(privlevel_floor));
    }
    if (attribute == "inblob" || attribute == "privlevel" ||
        (svsm && attribute.starts_with("service_"))) {
        return not_permitted(path);  // write only
    }
    if (attribute == "outblob") {
        RATLS_CHECK(make_report(entry, path));
        return entry.report;
    }
    if (attribute == "auxblob" && provider == "sev_guest") {
        RATLS_CHECK(make_report(entry, path));
        return no_certificates ? Bytes() : tee_.cert_table();
    }
    if (attribute == "manifestblob" && svsm) {
        RATLS_CHECK(make_report(entry, path));
        return entry.service_provider.empty() ? Bytes() : manifest;
    }
    return missing(path);
}

/// Makes a report, unless there is one for what was written last.
Status FakeTsmFiles::make_report(Entry& entry, const std::string& path) {
    std::array<std::uint8_t, 64> report_data{};
    if (entry.inblob.size() != report_data.size()) {  // a shorter one is refused here, not before
        return invalid(path);
    }
    std::ranges::copy(entry.inblob, report_data.begin());
    if (firmware_fails) {
        return failure(Code::io, path, "Input/output error");
    }
    if (!entry.service_provider.empty() && entry.service_provider != "svsm") {
        return invalid(path);
    }
    if (!entry.service_provider.empty()) {
        const Digest digest = Hasher(HashAlg::sha512).update(report_data).update(manifest).finish();
        std::ranges::copy(digest.view(), report_data.begin());
    }
    if (entry.report_generation != entry.generation) {
        const std::uint32_t vmpl = tee_.fields.vmpl;
        tee_.fields.vmpl = entry.privlevel.value_or(vmpl);
        entry.report = tee_.report(report_data);
        tee_.fields.vmpl = vmpl;
        entry.report_generation = entry.generation;
    }
    return {};
}

Status FakeTsmFiles::write(const std::string& path, ByteView content) {
    if (!is_tsm(path)) {
        return FakeFiles::write(path, content);
    }
    std::string attribute;
    Entry* entry = entry_of(path, attribute);
    if (entry == nullptr) {
        return missing(path);
    }
    if (attribute == "inblob") {
        return write_inblob(*entry, path, content);
    }
    if (attribute == "privlevel") {
        return write_privlevel(*entry, path, content);
    }
    if (svsm && attribute == "service_provider") {
        return write_service(entry->service_provider, *entry, content);
    }
    if (svsm && attribute == "service_guid") {
        return write_service(entry->service_guid, *entry, content);
    }
    if (svsm && attribute == "service_manifest_version") {
        return write_service(entry->service_manifest_version, *entry, content);
    }
    if (attribute != "outblob" && attribute != "auxblob" && attribute != "provider" &&
        attribute != "generation" && attribute != "privlevel_floor") {
        return missing(path);
    }
    return not_permitted(path);
}

Status FakeTsmFiles::write_inblob(Entry& entry, const std::string& path, ByteView content) {
    if (busy_writes > 0) {
        --busy_writes;
        return failure(Code::unavailable, path, "Device or resource busy");
    }
    if (content.empty() || content.size() > kMaxInblob) {
        return invalid(path);
    }
    entry.inblob = to_bytes(content);
    ++entry.generation;
    if (foreign_writes > 0) {
        --foreign_writes;
        entry.inblob.assign(kMaxInblob, 0xee);
        ++entry.generation;
    }
    return {};
}

Status FakeTsmFiles::write_service(std::string& attribute, Entry& entry, ByteView content) {
    attribute = as_text(content);
    ++entry.generation;
    return {};
}

Status FakeTsmFiles::write_privlevel(Entry& entry, const std::string& path, ByteView content) {
    const std::string_view text = as_text(content);
    const unsigned level =
        text.size() == 1 && text[0] >= '0' ? static_cast<unsigned>(text[0] - '0') : 99;
    if (level < privlevel_floor || level > kMaxPrivlevel) {
        return invalid(path);
    }
    entry.privlevel = level;
    ++entry.generation;
    return {};
}

Status FakeTsmFiles::replace(const std::string& path, ByteView content, unsigned mode) {
    return is_tsm(path) ? not_permitted(path) : FakeFiles::replace(path, content, mode);
}

Status FakeTsmFiles::make_directory(const std::string& path) {
    if (!is_tsm(path)) {
        return FakeFiles::make_directory(path);
    }
    if (no_provider) {
        return failure(Code::unavailable, path, "No such device or address");
    }
    if (!entries_.try_emplace(path).second) {
        return failure(Code::io, path, "File exists");
    }
    ++entries_made_;
    return {};
}

Status FakeTsmFiles::remove_directory(const std::string& path) {
    if (!is_tsm(path)) {
        return FakeFiles::remove_directory(path);
    }
    if (entries_.erase(path) == 0) {
        return missing(path);
    }
    return {};
}

bool FakeTsmFiles::is_directory(const std::string& path) {
    return is_tsm(path) ? entries_.contains(path) : FakeFiles::is_directory(path);
}

Result<std::vector<std::string>> FakeTsmFiles::list(const std::string& path) {
    if (!is_tsm(path)) {
        return FakeFiles::list(path);
    }
    if (!entries_.contains(path)) {
        return missing(path);
    }
    std::vector<std::string> names = {"auxblob",   "generation",      "inblob",  "outblob",
                                      "privlevel", "privlevel_floor", "provider"};
    if (svsm) {
        names.insert(names.end(), {"manifestblob", "service_guid", "service_manifest_version",
                                   "service_provider"});
        std::ranges::sort(names);
    }
    return names;
}

}  // namespace ratls::test
