#include "verify/cli/sequence_store.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "ratls/base/text.h"
#include "ratls/codec/json.h"

namespace ratls::cli {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
constexpr std::chrono::seconds kPatience{10};
constexpr unsigned kMode = 0600;

std::string member(const std::string& key, const std::string& name) {
    return key + " " + name;
}

template <typename Numbers>
std::optional<std::uint64_t> highest_in(const Numbers& numbers, const SnapshotIdentity& snapshot) {
    std::optional<std::uint64_t> out;
    for (const std::string& key : snapshot.keys) {
        if (const auto kept = numbers.find(member(key, snapshot.name)); kept != numbers.end()) {
            out = std::max(out.value_or(0), kept->second);
        }
    }
    return out;
}

/// That it is neither lower than what is kept nor kept under each key.
template <typename Numbers>
bool is_news(const Numbers& numbers, const SnapshotIdentity& snapshot, std::uint64_t sequence) {
    return sequence >= highest_in(numbers, snapshot).value_or(0) &&
           !std::ranges::all_of(snapshot.keys, [&](const std::string& key) {
               const auto kept = numbers.find(member(key, snapshot.name));
               return kept != numbers.end() && kept->second == sequence;
           });
}

/// An empty variable counts as none.
std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : value;
}

Result<std::string> home_folder() {
    if (std::string home = environment("HOME"); home.starts_with('/')) {
        return home;
    }
    constexpr std::size_t kEntry = 65536;
    std::vector<char> buffer(kEntry);
    struct passwd entry{};
    struct passwd* found = nullptr;
    ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr || found->pw_dir == nullptr || *found->pw_dir != '/') {
        return fail(Code::unavailable, "state",
                    "no folder for it: name one with --state, or set HOME; this user has no "
                    "passwd entry with a home");
    }
    return std::string(found->pw_dir);
}

}  // namespace

Result<std::string> state_folder(const std::string& option) {
    if (!option.empty()) {
        return option;
    }
    const std::string listed = environment("STATE_DIRECTORY");
    if (std::string first = listed.substr(0, listed.find(':')); !first.empty()) {
        return first;
    }
    if (const std::string state = environment("XDG_STATE_HOME"); state.starts_with('/')) {
        return state + "/ratls";
    }
    RATLS_TRY(const std::string home, home_folder());
    return home + "/.local/state/ratls";
}

SequenceStore::SequenceStore(Files& files, std::string folder)
    : files_(files), folder_(std::move(folder)), path_(folder_ + "/sequences.json") {}

Result<std::optional<std::uint64_t>> SequenceStore::highest(const SnapshotIdentity& snapshot) {
    RATLS_TRY(const Numbers numbers, read());
    return highest_in(numbers, snapshot);
}

Result<std::optional<std::uint64_t>> SequenceStore::raise(const SnapshotIdentity& snapshot,
                                                          std::uint64_t sequence) {
    RATLS_TRY(Numbers numbers, read());
    if (!is_news(numbers, snapshot, sequence)) {
        return highest_in(numbers, snapshot);
    }
    RATLS_CHECK(make_directories(files_, folder_));
    RATLS_TRY(const std::unique_ptr<FileLock> lock, files_.lock(path_ + ".lock", kPatience));
    RATLS_TRY(numbers, read());  // what others wrote meanwhile
    const auto before = highest_in(numbers, snapshot);
    if (is_news(numbers, snapshot, sequence)) {
        for (const std::string& key : snapshot.keys) {
            numbers[member(key, snapshot.name)] = sequence;
        }
        RATLS_CHECK(write(numbers));
    }
    return before;
}

/// {"KEY NAME": number}
Result<SequenceStore::Numbers> SequenceStore::read() {
    RATLS_TRY(const bool exists, files_.exists(path_));
    if (!exists) {
        return Numbers();
    }
    RATLS_TRY(const Bytes content, files_.read(path_, kMaxBytes));
    const std::string where = ratls::quoted(path_, 300);
    auto json = parse_json(as_text(content), {.max_bytes = kMaxBytes, .max_depth = 2});
    if (!json || json->if_object() == nullptr) {
        return fail(Code::malformed, where,
                    "damaged: repair it, or remove it and with it all that it remembers (" +
                        (json ? std::string("an object wanted") : json.error().text()) + ")");
    }
    Numbers out;
    for (const auto& [key, value] : *json->if_object()) {
        if (value.if_int() == nullptr || *value.if_int() < 0) {
            return fail(Code::malformed, where,
                        "damaged: a number wanted for " + ratls::quoted(key, 300));
        }
        out.emplace(key, static_cast<std::uint64_t>(*value.if_int()));
    }
    return out;
}

Status SequenceStore::write(const Numbers& numbers) {
    Json json(Json::Object{});
    auto& members = json.emplace<Json::Object>();
    for (const auto& [key, sequence] : numbers) {
        members.emplace_back(key, sequence);
    }
    const std::string text = json.pretty();
    if (text.size() > kMaxBytes) {
        return fail(Code::too_large, ratls::quoted(path_, 300),
                    "full, with " + std::to_string(numbers.size()) +
                        " names: remove those of snapshots that are no longer used");
    }
    return files_.replace(path_, as_bytes(text), kMode);
}

}  // namespace ratls::cli
