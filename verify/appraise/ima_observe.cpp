#include "verify/appraise/ima_observe.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/prefix.h"
#include "verify/appraise/snapshot_text.h"

namespace ratls::verify {
namespace {

/// Every file once, with each of its contents once, in the order of the log. A host chooses the
/// log, so the time grows with it and no faster, and there is an end.
class ObservedFiles {
  public:
    Result<bool> add(const ima::Entry& entry) {
        const auto [at, is_new] = index_.try_emplace(std::string(entry.path), files_.size());
        if (is_new) {
            files_.push_back({std::string(entry.path), {}});
            bytes_ += entry.path.size() + kLeastOfFile;
        }
        std::vector<std::string>& digests = files_[at->second].digests;
        std::string digest = std::string(entry.file_hash_name) + ":" + hex(entry.file_digest);
        const bool known =
            !digests.empty() && (digests.front() == digest ||
                                 !more_.insert(std::to_string(at->second) + " " + digest).second);
        if (!known) {
            bytes_ += digest.size();
            digests.push_back(std::move(digest));
        }
        if (bytes_ > kMaxSnapshotText) {
            return fail(Code::too_large, "ima",
                        "more files than a snapshot can hold, which is a text of at most " +
                            std::to_string(kMaxSnapshotText >> 20) + " MiB");
        }
        return true;
    }

    bool has(const std::string& path) const { return index_.contains(path); }
    std::vector<FileReference> take() { return std::move(files_); }

  private:
    static constexpr std::size_t kLeastOfFile = 25;  // {"digests":[""],"path":""}

    std::vector<FileReference> files_;
    std::map<std::string, std::size_t> index_;
    std::set<std::string> more_;  // contents of files that have several, but the first
    std::size_t bytes_ = 0;       // that a text needs at least
};

}  // namespace

Result<ImaReference> observe_files(ima::LogSource& log, const cert::ImaPart& proved,
                                   const std::vector<std::string>& require) {
    ObservedFiles files;
    const auto m = static_cast<std::size_t>(proved.entries);
    ima::PrefixDigests prefix({m});
    std::size_t count = 0;
    const auto observe = [&](const ima::Entry& entry) -> Result<bool> {
        if (count == m) {
            return false;
        }
        ++count;
        prefix.add(entry);
        if (entry.path == ima::kBootAggregate) {
            return true;
        }
        if (entry.path.empty() || entry.file_hash_name.empty()) {
            return fail(Code::denied, "ima",
                        "entry " + std::to_string(count - 1) + " with the template " +
                            quoted(entry.template_name) +
                            " has no digest and path that can be relied on");
        }
        if (entry.pcr != ima::kImaPcr) {
            return fail(Code::denied, "ima",
                        quoted(entry.path, 300) + " was measured into PCR " +
                            std::to_string(entry.pcr) + ", which no verification accepts");
        }
        if (entry.verity) {
            return fail(Code::denied, "ima",
                        quoted(entry.path, 300) +
                            " has an fs-verity digest, which this version does not compare");
        }
        if (entry.violation) {
            return fail(Code::denied, "ima",
                        "a measurement violation at " + quoted(entry.path, 300) +
                            ": a snapshot of this state would accept anything there");
        }
        return files.add(entry);
    };
    RATLS_CHECK(ima::read_log(log, 0, 0, observe, [&] { prefix.settle(); }));
    if (prefix.at(m) != proved.log_sha256) {
        return fail(Code::denied, "ima", "not the log that the quote proves");
    }
    ImaReference out;
    out.allow = files.take();
    std::ranges::copy_if(out.allow, std::back_inserter(out.require), [&](const auto& file) {
        return std::ranges::find(require, file.path) != require.end();
    });
    for (const std::string& path : require) {
        if (!files.has(path)) {
            return fail(Code::usage, "--require", quoted(path, 300) + " was not measured");
        }
    }
    return out;
}

}  // namespace ratls::verify
