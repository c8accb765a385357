#include "verify/appraise/ima_observe.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/evidence/ima/prefix.h"

namespace ratls::verify {

Result<ImaReference> observe_files(ima::LogSource& log, const cert::ImaPart& proved,
                                   const std::vector<std::string>& require) {
    ImaReference out;
    std::map<std::string, std::size_t, std::less<>> index;
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
        const auto [at, added] = index.try_emplace(std::string(entry.path), out.allow.size());
        if (added) {
            out.allow.push_back({std::string(entry.path), {}});
        }
        std::vector<std::string>& digests = out.allow[at->second].digests;
        const std::string digest = std::string(entry.file_hash_name) + ":" + hex(entry.file_digest);
        if (std::ranges::find(digests, digest) == digests.end()) {
            digests.push_back(digest);
        }
        return true;
    };
    RATLS_CHECK(ima::read_log(log, 0, 0, observe, [&] { prefix.settle(); }));
    if (prefix.at(m) != proved.log_sha256) {
        return fail(Code::denied, "ima", "not the log that the quote proves");
    }
    std::ranges::copy_if(out.allow, std::back_inserter(out.require), [&](const auto& file) {
        return std::ranges::find(require, file.path) != require.end();
    });
    for (const std::string& path : require) {
        if (!index.contains(path)) {
            return fail(Code::usage, "--require", quoted(path, 300) + " was not measured");
        }
    }
    return out;
}

}  // namespace ratls::verify
