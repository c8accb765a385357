// Fetching over HTTP, for endorsements, revocation lists and ACME.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"
#include "ratls/http/message.h"

namespace ratls {

struct FetchRequest {
    std::string method = "GET";  ///< GET, HEAD or POST
    std::string url = {};        ///< http or https; no user name in it
    std::vector<http::Header> headers = {};
    Bytes body = {};                            ///< POST only
    std::size_t max_bytes = 1024 * 1024;        ///< of the body of the response
    std::chrono::milliseconds timeout{30'000};  ///< for everything, name resolution included
    /// The server's certificate is not checked. Only for bytes that prove themselves by a signature
    /// which the caller verifies.
    bool insecure_untrusted_bytes = false;
    std::string ca_file = {};  ///< PEM, instead of the system's certificates; may be empty
    std::vector<std::string> resolve = {};  ///< "NAME:PORT:ADDRESS" instead of the system's answer
    std::string proxy = {};                 ///< none if empty; the environment is never asked
    /// Takes the body of the response, whatever its status, in pieces as it comes, in place of
    /// `FetchResponse::body`. Its failure is that of `fetch`.
    std::function<Status(ByteView piece)> sink = {};
};

struct FetchResponse {
    int status = 0;  ///< as sent; that it is not 200 is no failure of `fetch`
    std::vector<http::Header> headers = {};  ///< names in lower case; at most 64 KiB in all
    Bytes body = {};                         ///< as sent: nothing is decompressed

    /// The value of the first header of this name (lower case), or null.
    const std::string* header(std::string_view name) const;
};

/// An HTTP client. Calls block, at most for the timeout. Redirects are not followed: a 3xx is a
/// response like any other. Failures: `usage` for a request that makes no sense (URL, method,
/// header), `unavailable` when the server is out of reach or too slow, `untrusted` when its
/// certificate does not hold, `too_large` when the response is, `malformed` when it is not HTTP.
class HttpClient {
  public:
    virtual ~HttpClient() = default;

    virtual Result<FetchResponse> fetch(const FetchRequest& request) = 0;
};

/// What makes a request usable by any client: method, scheme, header names and values.
Status check_request(const FetchRequest& request);

/// The client on libcurl.
class CurlHttpClient : public HttpClient {
  public:
    Result<FetchResponse> fetch(const FetchRequest& request) override;
};

}  // namespace ratls
