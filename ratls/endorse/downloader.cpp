#include "ratls/endorse/downloader.h"

#include <charconv>
#include <optional>

#include "ratls/base/text.h"
#include "ratls/crypto/random.h"
#include "ratls/http/date.h"

namespace ratls::endorse {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxAttempts = 4;
constexpr milliseconds kFetchTime{60'000};    // for all documents, waits not counted
constexpr milliseconds kAttemptTime{20'000};  // for one attempt
constexpr milliseconds kFirstPause{500};
constexpr std::int64_t kLongestPause = 1'000'000;  // seconds; longer is never waited for anyway

/// "127.0.0.1" and its like: four numbers, the first 127.
bool is_loopback(std::string_view host) {
    if (host == "[::1]") {
        return true;
    }
    const auto parts = split(host, '.');
    return parts.size() == 4 && parts[0] == "127" &&
           std::ranges::all_of(parts, [](std::string_view part) {
               return !part.empty() && part.size() <= 3 &&
                      std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
           });
}

/// The host of what follows the scheme, an IPv6 address with its brackets; empty if there is none.
std::string_view host_of(std::string_view rest) {
    const std::string_view authority = rest.substr(0, rest.find('/'));
    const std::size_t bracket = authority.starts_with('[') ? authority.find(']') + 1 : 0;
    const std::size_t colon = authority.find(':', bracket);
    const std::string_view host = authority.substr(0, colon);
    return authority.starts_with('[') && host.size() != bracket ? std::string_view() : host;
}

bool is_temporary(const Result<FetchResponse>& response) {
    if (!response) {
        return response.error().code == Code::unavailable;
    }
    const int status = response->status;
    return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/// What Retry-After asks for, in seconds; none if it is absent or no time.
/// Source: RFC 9110, section 10.2.3.
std::optional<std::int64_t> retry_after(const FetchResponse& response, UnixTime now) {
    const std::string* value = response.header("retry-after");
    if (value == nullptr) {
        return std::nullopt;
    }
    if (const auto date = http::parse_date(*value)) {
        return std::clamp<std::int64_t>(*date - now, 0, kLongestPause);
    }
    std::uint64_t seconds = 0;
    const char* const last = value->data() + value->size();
    const auto [end, error] = std::from_chars(value->data(), last, seconds);
    if (end != last || value->empty() || error == std::errc::invalid_argument) {
        return std::nullopt;
    }
    return error == std::errc::result_out_of_range
               ? kLongestPause
               : static_cast<std::int64_t>(
                     std::min(seconds, static_cast<std::uint64_t>(kLongestPause)));
}

/// Twice as long each time, and the second half of it random, so that not all come back at once.
milliseconds back_off(int attempt) {
    const auto whole = static_cast<std::uint64_t>(kFirstPause.count()) << (attempt - 1);
    const auto random = random_array<2>();
    const std::uint64_t part = (random[0] * 256U + random[1]) % (whole / 2 + 1);
    return milliseconds(whole / 2 + part);
}

std::string seconds_text(milliseconds time) {
    const auto tenths = (time.count() + 50) / 100;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::string reason_of(const Result<FetchResponse>& response) {
    if (!response) {
        return response.error().what;
    }
    const std::string status = "status " + std::to_string(response->status);
    return response->status >= 300 && response->status < 400
               ? status + ", a redirect, which is not followed"
               : status;
}

std::unexpected<Error> refuse(const std::string& url, const Result<FetchResponse>& response,
                              const std::string& more = {}) {
    return fail(response ? Code::unavailable : response.error().code, quoted(url, 300),
                reason_of(response) + more);
}

}  // namespace

Result<std::string> check_server(const std::string& url) {
    const auto wrong = [&](const char* what) {
        return fail(Code::usage, "server " + quoted(url, 300), what);
    };
    const bool https = url.starts_with("https://");
    if (!https && !url.starts_with("http://")) {
        return wrong("an address that begins with https:// wanted");
    }
    if (url.find_first_of("@?#\\") != std::string::npos) {
        return wrong("no user name, query or fragment wanted");
    }
    const std::string_view host = host_of(std::string_view(url).substr(https ? 8 : 7));
    if (host.empty()) {
        return wrong("a host wanted");
    }
    if (!https && !is_loopback(host)) {
        return wrong("https wanted: http is for loopback addresses only");
    }
    return url.substr(0, url.find_last_not_of('/') + 1);
}

Downloader::Downloader(HttpClient& http, const Clock& clock, Waiter& waiter, Manners manners,
                       Notice notice)
    : http_(http),
      clock_(clock),
      waiter_(waiter),
      manners_(std::move(manners)),
      notice_(std::move(notice)),
      deadline_(clock.monotonic() + kFetchTime + manners_.max_wait),
      wait_left_(manners_.max_wait) {}

milliseconds Downloader::pause(const Result<FetchResponse>& response, int attempt) const {
    const auto asked = response ? retry_after(*response, clock_.now()) : std::nullopt;
    return asked ? std::chrono::seconds(*asked) : back_off(attempt);
}

Result<FetchResponse> Downloader::get(const std::string& url, std::size_t max_bytes) {
    for (int attempt = 1;; ++attempt) {
        const milliseconds left = deadline_ - clock_.monotonic();
        if (left <= milliseconds(0)) {
            return fail(Code::unavailable, quoted(url, 300), "the time for all documents is over");
        }
        auto response = http_.fetch({.url = url,
                                     .max_bytes = max_bytes,
                                     .timeout = std::min(left, kAttemptTime),
                                     .ca_file = manners_.ca_file});
        if (response && response->status == 200) {
            return response;
        }
        if (!is_temporary(response)) {
            return refuse(url, response);
        }
        if (attempt == kMaxAttempts) {
            return refuse(url, response, "; " + std::to_string(attempt) + " attempts");
        }
        const milliseconds time = pause(response, attempt);
        const milliseconds most =
            std::clamp(deadline_ - clock_.monotonic(), milliseconds(0), wait_left_);
        if (time > most) {
            return refuse(url, response,
                          "; to try again after " + seconds_text(time) + ", and " +
                              seconds_text(most) + " of waiting are left");
        }
        notice_(quoted(url, 300) + ": " + reason_of(response) + "; again in " + seconds_text(time));
        waiter_.wait(time);
        wait_left_ -= time;
    }
}

}  // namespace ratls::endorse
