// The state of an Intel platform: security versions against what Intel says about them.
#pragma once

#include "ratls/evidence/dcap/collateral.h"
#include "ratls/evidence/dcap/pck.h"

namespace ratls::verify {

/// The state of the whole, and of its parts.
struct TcbVerdict {
    dcap::TcbStatus status = dcap::TcbStatus::not_supported;
    dcap::TcbStatus platform = dcap::TcbStatus::not_supported;
    std::optional<dcap::TcbStatus> module;  ///< TDX module with an identity of its own
    dcap::TcbStatus qe = dcap::TcbStatus::not_supported;
    std::vector<std::string> advisories;  ///< of platform, module, QE, each once
    UnixTime date = 0;                    ///< the oldest tcbDate of the levels that fit
    /// Since when there has been something newer than the oldest part that is out of date.
    std::optional<UnixTime> out_of_date_since;
    /// What the whole would be if no part were out of date; only if one is.
    std::optional<dcap::TcbStatus> otherwise;
    std::string behind;  ///< which parts are behind, and by how much; empty if none is
};

/// Finds the levels of platform, TDX module and QE, and brings them together.
/// Fails if a part has no level, which Intel calls "not supported".
/// Source: Intel PCS API version 4, "TCB level" of TCB Info and Enclave Identity; Intel DCAP Quote
/// Verification Library, 4.1.2.4.15 to 4.1.2.4.17.
Result<TcbVerdict> evaluate_tcb(const dcap::Quote& quote, const dcap::Pck& pck,
                                const dcap::TcbInfo& info, const dcap::QeIdentity& identity);

/// The identity that holds for the TDX module of a report: that of its version, or for version 0
/// the general one. Null if there is none.
const dcap::ModuleIdentity* find_module(const dcap::TcbInfo& info,
                                        const std::array<std::uint8_t, 16>& tee_tcb_svn);

}  // namespace ratls::verify
