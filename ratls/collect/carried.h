// The documents that a certificate carries, from files of this machine.
#pragma once

#include <string>
#include <vector>

#include "ratls/cert/collection.h"
#include "ratls/platform/files.h"

namespace ratls {

/// Paths; empty: none.
struct CarriedFiles {
    std::string vek;      ///< VCEK or VLEK, PEM or DER
    std::string ask;      ///< ASK or ASVK, PEM or DER; AMD's chain with the root behind it will do
    std::string amd_crl;  ///< PEM or DER
    std::string collateral;  ///< folder, as `ratls collateral fetch` writes it
};

/// The files that are read of a collateral folder; none if there is no folder.
std::vector<std::string> collateral_files(const std::string& folder);

/// Reads them for label 6. A file that is of another kind than its option, or in another form, is
/// an error that names the option, the file and what would do: what cannot be used should not wait
/// for the first client to say so. Form and kind only: signatures, chains and dates are the
/// verifier's business.
Result<cert::Endorsements> read_carried(const CarriedFiles& paths, Files& files);

/// The certificates of a file in DER, 1 to 4 of them; none if there is no path. `option` is for the
/// error.
Result<std::vector<Bytes>> read_carried_chain(std::string_view option, const std::string& path,
                                              Files& files);

}  // namespace ratls
