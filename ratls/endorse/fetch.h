// A set of endorsements, from its folder as far as that is good, else from its servers.
#pragma once

#include "ratls/endorse/downloader.h"
#include "ratls/endorse/plan.h"
#include "ratls/platform/files.h"

namespace ratls::endorse {

struct Document {
    std::string file;
    std::string url;
    Bytes content;
    Validity validity;
    bool fetched = false;  ///< now; false: it was in the folder
};

/// Where documents may come from.
struct Origins {
    Downloader* downloader = nullptr;  ///< null: from the folder only
    bool refresh = false;              ///< with a downloader: not from the folder
};

/// Gives the documents of a plan, all of them or none. A document in the folder that passes its
/// check and is valid now is used; others are fetched, checked in the same way, and written into
/// the folder once all are there. If that fails half-way, what was there before is put back. Fails
/// with `unavailable` if a document is missing and may not be fetched.
Result<std::vector<Document>> obtain(const Plan& plan, const std::string& folder, Files& files,
                                     UnixTime now, const Origins& origins);

}  // namespace ratls::endorse
