#include "verify/formats/dcap_tcb.h"

#include <algorithm>

namespace ratls::verify {
namespace {

using dcap::IsvLevel;
using dcap::LevelFacts;
using dcap::TcbLevel;
using dcap::TcbStatus;
using Svns = std::array<std::uint8_t, 16>;

bool is_out_of_date(TcbStatus status) {
    return status == TcbStatus::out_of_date ||
           status == TcbStatus::out_of_date_configuration_needed;
}

bool needs_configuration(TcbStatus status) {
    return status == TcbStatus::configuration_needed ||
           status == TcbStatus::configuration_and_sw_hardening_needed ||
           status == TcbStatus::out_of_date_configuration_needed;
}

bool needs_hardening(TcbStatus status) {
    return status == TcbStatus::sw_hardening_needed ||
           status == TcbStatus::configuration_and_sw_hardening_needed;
}

/// What a module or an enclave that is behind makes of the platform's state.
TcbStatus converge(TcbStatus level, TcbStatus other) {
    if (other == TcbStatus::revoked) {
        return other;
    }
    if (other != TcbStatus::out_of_date) {
        return level;
    }
    switch (level) {
        case TcbStatus::up_to_date:
        case TcbStatus::sw_hardening_needed:
            return TcbStatus::out_of_date;
        case TcbStatus::configuration_needed:
        case TcbStatus::configuration_and_sw_hardening_needed:
            return TcbStatus::out_of_date_configuration_needed;
        default:
            return level;
    }
}

bool all_at_least(const Svns& have, const Svns& wanted, std::size_t from) {
    for (std::size_t i = from; i < have.size(); ++i) {
        if (have[i] < wanted[i]) {
            return false;
        }
    }
    return true;
}

/// The component SVNs 0 and 1 of a TDX module of version 1 and later are its ISVSVN and version,
/// and belong to its own identity.
std::size_t first_tdx_component(const Svns& tee_tcb_svn) {
    return tee_tcb_svn[1] > 0 ? 2 : 0;
}

class Evaluation {
  public:
    Evaluation(const dcap::Quote& quote, const dcap::Pck& pck, const dcap::TcbInfo& info,
               const dcap::QeIdentity& identity)
        : quote_(quote), pck_(pck), info_(info), identity_(identity) {}

    Result<TcbVerdict> run() {
        RATLS_CHECK(find_platform());
        RATLS_CHECK(find_parts());
        out_.platform = platform_->facts.status;
        out_.qe = qe_->facts.status;
        if (module_ != nullptr) {
            out_.module = module_->facts.status;
        }
        out_.status = converge(out_.platform, out_.module.value_or(TcbStatus::up_to_date));
        RATLS_TRY(const bool relaunch, relaunch_helps());
        if (relaunch) {
            out_.status =
                needs_configuration(sgx_->facts.status) || needs_configuration(out_.status)
                    ? TcbStatus::td_relaunch_advised_configuration_needed
                    : TcbStatus::td_relaunch_advised;
        }
        out_.status = converge(out_.status, out_.qe);
        if (relaunch || is_out_of_date(out_.status)) {
            out_.otherwise = if_not_out_of_date();
        }
        describe();
        return std::move(out_);
    }

  private:
    bool sgx_fits(const TcbLevel& level) const {
        return all_at_least(pck_.components, level.sgx, 0) && pck_.pce_svn >= level.pce_svn;
    }

    bool tdx_fits(const TcbLevel& level) const {
        return !quote_.td || all_at_least(quote_.td->tee_tcb_svn, level.tdx,
                                          first_tdx_component(quote_.td->tee_tcb_svn));
    }

    Status find_platform() {
        const auto sgx = std::ranges::find_if(
            info_.levels, [&](const TcbLevel& level) { return sgx_fits(level); });
        const auto whole = std::ranges::find_if(info_.levels, [&](const TcbLevel& level) {
            return sgx_fits(level) && tdx_fits(level);
        });
        if (whole == info_.levels.end()) {
            return fail(Code::mismatch, "platform",
                        sgx == info_.levels.end()
                            ? "below the lowest level of the TCB info"
                            : "its TDX components are below the lowest level");
        }
        sgx_ = &*sgx;
        platform_ = &*whole;
        return {};
    }

    static const IsvLevel* find_level(const std::vector<IsvLevel>& levels, std::uint16_t isv_svn) {
        const auto found = std::ranges::find_if(
            levels, [&](const IsvLevel& level) { return isv_svn >= level.isv_svn; });
        return found == levels.end() ? nullptr : &*found;
    }

    Status find_parts() {
        qe_ = find_level(identity_.levels, quote_.qe_report.isv_svn);
        if (qe_ == nullptr) {
            return fail(Code::mismatch, "QE",
                        "ISVSVN " + std::to_string(quote_.qe_report.isv_svn) + " has no level");
        }
        if (!quote_.td || quote_.td->tee_tcb_svn[1] == 0) {
            return {};
        }
        module_identity_ = find_module(info_, quote_.td->tee_tcb_svn);
        if (module_identity_ != nullptr) {
            module_ = find_level(module_identity_->levels, quote_.td->tee_tcb_svn[0]);
        }
        if (module_ == nullptr) {
            return fail(Code::mismatch, "TDX module",
                        "version " + std::to_string(quote_.td->tee_tcb_svn[1]) + ", ISVSVN " +
                            std::to_string(quote_.td->tee_tcb_svn[0]) + " has no level");
        }
        return {};
    }

    /// The module was updated while the TD ran: only its launch is out of date.
    Result<bool> relaunch_helps() const {
        if (!quote_.td || !quote_.td->v15) {
            return false;
        }
        const TcbStatus sgx = sgx_->facts.status;
        const bool sgx_good = sgx == TcbStatus::up_to_date ||
                              sgx == TcbStatus::sw_hardening_needed ||
                              sgx == TcbStatus::configuration_needed ||
                              sgx == TcbStatus::configuration_and_sw_hardening_needed;
        const bool qe_good = out_.qe != TcbStatus::out_of_date && out_.qe != TcbStatus::revoked;
        if (!sgx_good || !qe_good || !is_out_of_date(out_.status) ||
            out_.module != TcbStatus::out_of_date) {
            return false;
        }
        const Svns& now = quote_.td->v15->tee_tcb_svn_2;
        const TcbLevel& newest = info_.levels.front();
        if (now[2] < newest.tdx[2]) {
            return false;
        }
        if (now[1] == 0) {
            return now[0] >= newest.tdx[0];
        }
        const dcap::ModuleIdentity* identity = find_module(info_, now);
        if (identity == nullptr || identity->levels.empty()) {
            return fail(Code::mismatch, "TDX module",
                        "version " + std::to_string(now[1]) + ", which runs now, has no level");
        }
        return now[0] >= identity->levels.front().isv_svn;
    }

    /// A level that is out of date does not say whether it needs hardening; the one that fits
    /// without the TDX components may.
    TcbStatus if_not_out_of_date() const {
        const TcbStatus sgx = sgx_->facts.status;
        const bool hardening = needs_hardening(out_.platform) || needs_hardening(sgx);
        if (needs_configuration(out_.platform) || needs_configuration(sgx)) {
            return hardening ? TcbStatus::configuration_and_sw_hardening_needed
                             : TcbStatus::configuration_needed;
        }
        return hardening ? TcbStatus::sw_hardening_needed : TcbStatus::up_to_date;
    }

    void add(const LevelFacts& facts) {
        out_.date = out_.date == 0 ? facts.date : std::min(out_.date, facts.date);
        for (const std::string& advisory : facts.advisories) {
            if (std::ranges::find(out_.advisories, advisory) == out_.advisories.end()) {
                out_.advisories.push_back(advisory);
            }
        }
    }

    void add_behind(const std::string& text) {
        out_.behind += (out_.behind.empty() ? "" : "; ") + text;
    }

    void superseded(UnixTime since) {
        out_.out_of_date_since = std::min(since, out_.out_of_date_since.value_or(since));
    }

    void describe_components(const TcbLevel& newest) {
        const auto compare = [&](std::string_view what, const Svns& have, const Svns& wanted,
                                 std::size_t from) {
            for (std::size_t i = from; i < have.size(); ++i) {
                if (have[i] < wanted[i]) {
                    add_behind(std::string(what) + " " + std::to_string(i + 1) + " is " +
                               std::to_string(have[i]) + ", newest " + std::to_string(wanted[i]));
                }
            }
        };
        compare("SGX component", pck_.components, newest.sgx, 0);
        if (quote_.td) {
            compare("TDX component", quote_.td->tee_tcb_svn, newest.tdx,
                    first_tdx_component(quote_.td->tee_tcb_svn));
        }
        if (pck_.pce_svn < newest.pce_svn) {
            add_behind("PCESVN is " + std::to_string(pck_.pce_svn) + ", newest " +
                       std::to_string(newest.pce_svn));
        }
    }

    void describe_isv(std::string_view what, const std::vector<IsvLevel>& levels,
                      const IsvLevel* level, unsigned isv_svn) {
        if (!is_out_of_date(level->facts.status)) {
            return;
        }
        add_behind(std::string(what) + " has ISVSVN " + std::to_string(isv_svn) + ", newest " +
                   std::to_string(levels.front().isv_svn));
        UnixTime since = levels.front().facts.date;
        for (const IsvLevel* newer = levels.data(); newer != level; ++newer) {
            since =
                is_out_of_date(newer->facts.status) ? since : std::min(since, newer->facts.date);
        }
        superseded(since);
    }

    void describe() {
        add(platform_->facts);
        if (is_out_of_date(platform_->facts.status)) {
            describe_components(info_.levels.front());
            UnixTime since = info_.levels.front().facts.date;
            for (const TcbLevel* newer = info_.levels.data(); newer != platform_; ++newer) {
                since = is_out_of_date(newer->facts.status) ? since
                                                            : std::min(since, newer->facts.date);
            }
            superseded(since);
        }
        if (module_ != nullptr) {
            add(module_->facts);
            describe_isv("TDX module", module_identity_->levels, module_,
                         quote_.td->tee_tcb_svn[0]);
        }
        add(qe_->facts);
        describe_isv("QE", identity_.levels, qe_, quote_.qe_report.isv_svn);
    }

    const dcap::Quote& quote_;
    const dcap::Pck& pck_;
    const dcap::TcbInfo& info_;
    const dcap::QeIdentity& identity_;
    TcbVerdict out_;
    const TcbLevel* sgx_ = nullptr;       // the first level that fits without the TDX components
    const TcbLevel* platform_ = nullptr;  // the first level that fits
    const dcap::ModuleIdentity* module_identity_ = nullptr;
    const IsvLevel* module_ = nullptr;
    const IsvLevel* qe_ = nullptr;
};

}  // namespace

Result<TcbVerdict> evaluate_tcb(const dcap::Quote& quote, const dcap::Pck& pck,
                                const dcap::TcbInfo& info, const dcap::QeIdentity& identity) {
    return Evaluation(quote, pck, info, identity).run();
}

const dcap::ModuleIdentity* find_module(const dcap::TcbInfo& info,
                                        const std::array<std::uint8_t, 16>& tee_tcb_svn) {
    if (tee_tcb_svn[1] == 0) {
        return info.module ? &*info.module : nullptr;
    }
    const auto found =
        std::ranges::find(info.modules, unsigned{tee_tcb_svn[1]}, &dcap::ModuleIdentity::version);
    return found == info.modules.end() ? nullptr : &*found;
}

}  // namespace ratls::verify
