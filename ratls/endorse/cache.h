// The sets of endorsements that a cache folder holds.
#pragma once

#include "ratls/endorse/document.h"
#include "ratls/platform/files.h"

namespace ratls::endorse {

/// Keys of the sets in a cache, sorted: "amd/Genoa/HWID-TCB", "intel/tdx/FMSPC-CA". None if there
/// is no such folder.
Result<std::vector<std::string>> list_keys(Files& files, const std::string& cache);

struct CachedFile {
    std::string name;
    Bytes content;
    Result<Description> description;  ///< or why it is nothing of use
};

/// The files of one set: those that end in .json, .pem or .der.
Result<std::vector<CachedFile>> read_set(Files& files, const std::string& folder);

/// Writes the files of a set into a folder, which is made if it is missing.
Status export_set(Files& files, const std::vector<CachedFile>& set, const std::string& folder);

}  // namespace ratls::endorse
