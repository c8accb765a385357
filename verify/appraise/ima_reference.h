// What a snapshot says about the files that IMA measures.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ratls/codec/json.h"
#include "ratls/evidence/ima/signature.h"

namespace ratls::verify {

struct FileReference {
    std::string path;                  ///< raw bytes, as IMA logs them
    std::vector<std::string> digests;  ///< "sha256:hex"
    bool pattern = false;              ///< `path` is a pattern of `glob_match`
    std::string source = {};           ///< for people: the package that the file comes from

    bool operator==(const FileReference&) const = default;
};

/// Files that whoever holds this key signed are known, at the paths of these patterns.
struct SignerReference {
    std::string name;  ///< for people
    PublicKey key;
    ima::KeyId key_id{};  ///< by which signatures name the key
    std::vector<std::string> patterns;

    friend bool operator==(const SignerReference& a, const SignerReference& b) {
        return a.key.spki() == b.key.spki() && a.key_id == b.key_id && a.patterns == b.patterns;
    }
};

struct ImaReference {
    std::vector<FileReference> allow;
    std::vector<FileReference> require;            ///< found below m, each of them; no patterns
    std::vector<std::string> tolerate_violations;  ///< exact paths
    std::vector<Bytes> known_pcr10;                ///< for clients that have no log
    std::vector<FileReference> forbid = {};        ///< any content if there are no digests
    std::vector<SignerReference> signers = {};
    std::vector<std::string> tolerate_violation_patterns = {};
};

/// Reads the member "ima" of a snapshot. Source: docs/snapshot.md, section 5.
/// Failures stick to the cursor, which stands on it.
ImaReference read_ima(JsonCursor& in);

/// The JSON of it: hands over the name of each list, then the items of that list one by one.
void visit_ima(const ImaReference& ima, const std::function<void(std::string_view)>& list,
               const std::function<void(const Json&)>& item);

}  // namespace ratls::verify
