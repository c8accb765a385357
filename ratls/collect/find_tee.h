// Which TEE this VM has, and who asks it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ratls/platform/clock.h"
#include "ratls/platform/device.h"
#include "ratls/platform/files.h"
#include "ratls/platform/http_client.h"
#include "ratls/platform/quote_provider.h"
#include "ratls/platform/stream.h"
#include "ratls/platform/tpm.h"
#include "ratls/platform/waiter.h"

namespace ratls {

/// Ways to the TEE, in the order in which they are tried.
enum class TeeWay : std::uint8_t { tsm, sev_guest, tdx_guest, azure };

std::string_view tee_way_name(TeeWay way);  ///< "configfs-tsm", "sev-guest", ...

/// Where to look. An empty path: not there.
struct TeePaths {
    std::string tsm = "/sys/kernel/config/tsm/report";
    std::string sev_guest = "/dev/sev-guest";
    std::string tdx_guest = "/dev/tdx_guest";
};

/// What the search takes from the machine. All of it must outlive what is found.
struct TeePlatform {
    Files& files;
    Files& tsm_files;  ///< the file system that has configfs-tsm
    const Clock& clock;
    Waiter& waiter;
    OpenDevice open_device = open_linux_device;
    ConnectVsock connect_vsock = ratls::connect_vsock;
    Tpm* tpm = nullptr;          ///< for Azure; may be none
    HttpClient* http = nullptr;  ///< for Azure; may be none
};

/// What the search has seen in one place.
struct TeeCandidate {
    TeeWay way = TeeWay::tsm;
    bool usable = false;
    std::string reason;  ///< what was found, or why it is not usable; for people
};

struct FoundTee {
    std::unique_ptr<QuoteProvider> provider;  ///< none: this VM has no TEE that we can use
    std::vector<TeeCandidate> candidates;     ///< each way once, in order

    /// The way of the provider, or none.
    const TeeCandidate* used() const;
};

/// Looks for the TEE of this VM and opens the first way to it that is usable. It looks at devices
/// only: no host is asked, nothing is fetched, no report is made. Not usable is, too, what this
/// process may not open; the reason says so.
FoundTee find_tee(const TeePaths& paths, const TeePlatform& platform);

}  // namespace ratls
