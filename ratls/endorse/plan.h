// What makes a set of endorsements: which documents, from where, and what each must be.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ratls/endorse/document.h"

namespace ratls::endorse {

/// Says whether a content is the document that was wanted, and gives its dates.
using Check = std::function<Result<Validity>(ByteView content)>;

struct Part {
    std::string file;  ///< name in the folder of the set
    Check check;
};

/// One request and what is kept of the answer: the body, byte by byte, and perhaps a header.
struct Source {
    std::string url;
    std::size_t max_bytes = kMaxDocument;
    bool hex_text = false;  ///< the body may be the document in hex digits
    Part body;
    /// Lower-case names of the header that carries the issuers' certificates, PEM, URL-encoded. The
    /// first one that is there counts. No such header is wanted if this is empty.
    std::vector<std::string> chain_headers = {};
    Part chain = {};
};

struct Plan {
    std::string key;  ///< folder of the set below the cache: "amd/Genoa/HWID-TCB"
    std::vector<Source> sources;
    std::vector<std::string> not_fetched = {};  ///< for people: what nobody can fetch, and why
};

}  // namespace ratls::endorse
