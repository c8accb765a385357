// Fetching documents from servers that serve many: patient, bounded, and never without TLS.
#pragma once

#include <functional>

#include "ratls/platform/clock.h"
#include "ratls/platform/http_client.h"
#include "ratls/platform/waiter.h"

namespace ratls::endorse {

/// The address of a server, without slashes at its end: https, or http to a loopback address
/// (127.0.0.0/8, [::1]); no user name, query or fragment in it.
Result<std::string> check_server(const std::string& url);

struct Manners {
    std::chrono::milliseconds max_wait{60'000};  ///< between attempts, in total for all documents
    std::string ca_file = {};                    ///< PEM, instead of the system's certificates
};

/// Gets documents one after the other. What is wrong for a while (no connection, 429, 500, 502,
/// 503, 504) is tried again, four times at most: after the time that the server asks for with
/// Retry-After, else after a time that doubles, in part random. Everything else ends at once.
/// All documents together take `max_wait` and one minute at most.
class Downloader {
  public:
    /// Is told of each wait, for people.
    using Notice = std::function<void(const std::string& text)>;

    Downloader(
        HttpClient& http, const Clock& clock, Waiter& waiter, Manners manners,
        Notice notice = [](const std::string&) {});

    /// A response with status 200. Redirects are not followed. Fails with `unavailable` for any
    /// other status, and as HttpClient does; the error names the URL.
    Result<FetchResponse> get(const std::string& url, std::size_t max_bytes);

  private:
    std::chrono::milliseconds pause(const Result<FetchResponse>& response, int attempt) const;

    HttpClient& http_;
    const Clock& clock_;
    Waiter& waiter_;
    Manners manners_;
    Notice notice_;
    std::chrono::milliseconds deadline_;
    std::chrono::milliseconds wait_left_;
};

}  // namespace ratls::endorse
