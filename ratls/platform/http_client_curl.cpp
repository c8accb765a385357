#include <curl/curl.h>

#include <limits>
#include <memory>

#include "ratls/base/text.h"
#include "ratls/platform/http_client.h"

namespace ratls {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64 * 1024;

struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

struct FreeEasy {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;

void add(List& list, const std::string& line) {
    if (curl_slist* longer = curl_slist_append(list.get(), line.c_str())) {
        list.release();  // NOLINT(bugprone-unused-return-value): it is part of `longer` now
        list.reset(longer);
    }
}

/// What the callbacks fill.
struct Received {
    const FetchRequest& request;
    FetchResponse response = {};
    std::size_t body_bytes = 0;
    std::size_t header_bytes = 0;
    Status sink = {};
    bool too_large = false;
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
    auto& received = *static_cast<Received*>(user);
    const FetchRequest& request = received.request;
    const ByteView piece = as_bytes(std::string_view(data, size));
    if (size > request.max_bytes - received.body_bytes) {
        received.too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    received.body_bytes += size;
    if (request.sink) {
        received.sink = request.sink(piece);
        return received.sink ? size : CURL_WRITEFUNC_ERROR;
    }
    append(received.response.body, piece);
    return size;
}

std::string_view trimmed(std::string_view text) {
    const auto from = text.find_first_not_of(" \t\r\n");
    return from == std::string_view::npos
               ? std::string_view()
               : text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
    auto& received = *static_cast<Received*>(user);
    if (size > kMaxHeaderBytes - received.header_bytes) {
        received.too_large = true;
        return 0;
    }
    received.header_bytes += size;
    const std::string_view line(data, size);
    const auto colon = line.find(':');
    if (line.starts_with("HTTP/")) {
        received.response.headers.clear();  // those before belong to an interim response
    } else if (colon != std::string_view::npos) {
        received.response.headers.push_back(
            {lower(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1)))});
    }
    return size;
}

Code code_of(CURLcode status) {
    switch (status) {
        case CURLE_URL_MALFORMAT:
        case CURLE_LOGIN_DENIED:  // a user name in the URL
        case CURLE_SSL_CACERT_BADFILE:
            return Code::usage;
        case CURLE_PEER_FAILED_VERIFICATION:
            return Code::untrusted;
        case CURLE_UNSUPPORTED_PROTOCOL:  // an answer that is not HTTP/1: the scheme is checked
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_HTTP2:
        case CURLE_HTTP2_STREAM:
        case CURLE_BAD_CONTENT_ENCODING:
            return Code::malformed;
        case CURLE_OUT_OF_MEMORY:
        case CURLE_BAD_FUNCTION_ARGUMENT:
        case CURLE_UNKNOWN_OPTION:
        case CURLE_FAILED_INIT:
            return Code::internal;
        default:  // name, connection, handshake, timeout, an end too early
            return Code::unavailable;
    }
}

/// Once for the process; libcurl 7.84 and later need no lock around it.
bool global_init() {
    static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    return done;
}

/// Sets options and remembers the first that libcurl refused: a limit that is silently missing
/// would be worse than no answer.
class Options {
  public:
    explicit Options(CURL* easy) : easy_(easy) {}

    template <typename T>
    Options& set(CURLoption option, T value) {
        const CURLcode status = curl_easy_setopt(easy_, option, value);
        status_ = status_ != CURLE_OK ? status_ : status;
        return *this;
    }
    CURLcode status() const { return status_; }

  private:
    CURL* easy_;
    CURLcode status_ = CURLE_OK;
};

List header_lines(const FetchRequest& request) {
    List lines;
    bool has_type = false;
    for (const http::Header& header : request.headers) {
        has_type = has_type || lower(header.name) == "content-type";
        // A value that is empty would remove the header, were it not written with a semicolon.
        add(lines, header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
    }
    add(lines, "Expect:");  // no 100-continue
    if (!has_type) {
        add(lines, "Content-Type:");  // no form
    }
    return lines;
}

CURLcode set_target(Options& options, const FetchRequest& request) {
    options.set(CURLOPT_URL, request.url.c_str())
        .set(CURLOPT_PROTOCOLS_STR, "http,https")
        .set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L)
        .set(CURLOPT_FOLLOWLOCATION, 0L)
        .set(CURLOPT_PROXY, request.proxy.c_str())  // empty: none, whatever the environment says
        .set(CURLOPT_NOPROXY, "")
        .set(CURLOPT_NOSIGNAL, 1L)
        .set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::clamp<std::int64_t>(
                                     request.timeout.count(), 1, std::numeric_limits<int>::max())))
        .set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2))
        .set(CURLOPT_SSL_VERIFYPEER, request.insecure_untrusted_bytes ? 0L : 1L)
        .set(CURLOPT_SSL_VERIFYHOST, request.insecure_untrusted_bytes ? 0L : 2L)
        .set(CURLOPT_USERAGENT, "ratls");
    if (!request.ca_file.empty()) {
        options.set(CURLOPT_CAINFO, request.ca_file.c_str())
            .set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // the file alone
    }
    if (request.method == "HEAD") {
        options.set(CURLOPT_NOBODY, 1L);
    } else if (request.method == "POST") {
        options.set(CURLOPT_POST, 1L)
            .set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()))
            .set(CURLOPT_POSTFIELDS, as_text(request.body).data());
    }
    return options.status();
}

}  // namespace

Result<FetchResponse> CurlHttpClient::fetch(const FetchRequest& request) {
    RATLS_CHECK(check_request(request));
    const Easy easy(global_init() ? curl_easy_init() : nullptr);
    if (!easy) {
        return fail(Code::internal, "http", "libcurl does not start");
    }
    const List headers = header_lines(request);
    List resolve;
    for (const std::string& entry : request.resolve) {
        add(resolve, entry);
    }
    Received received{.request = request};
    std::array<char, CURL_ERROR_SIZE> reason{};

    Options options(easy.get());
    options.set(CURLOPT_ERRORBUFFER, reason.data())
        .set(CURLOPT_HTTPHEADER, headers.get())
        .set(CURLOPT_RESOLVE, resolve.get())
        .set(CURLOPT_WRITEFUNCTION, &on_body)
        .set(CURLOPT_WRITEDATA, static_cast<void*>(&received))
        .set(CURLOPT_HEADERFUNCTION, &on_header)
        .set(CURLOPT_HEADERDATA, static_cast<void*>(&received));
    CURLcode status = set_target(options, request);
    if (status == CURLE_OK) {
        status = curl_easy_perform(easy.get());
    }
    const std::string where = "http: " + quoted(request.url, 300);
    if (received.too_large) {
        return fail(Code::too_large, where,
                    "a response of at most " + std::to_string(request.max_bytes) + " bytes wanted");
    }
    RATLS_CHECK(received.sink);
    if (status != CURLE_OK) {
        return fail(code_of(status), where,
                    reason[0] != '\0' ? reason.data() : curl_easy_strerror(status));
    }
    long http_status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &http_status);
    received.response.status = static_cast<int>(http_status);
    return std::move(received.response);
}

}  // namespace ratls
