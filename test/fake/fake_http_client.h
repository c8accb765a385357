// Servers that are functions of the test.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "ratls/platform/http_client.h"

namespace ratls::test {

class FakeHttpClient : public HttpClient {
  public:
    using Handler = std::function<Result<FetchResponse>(const FetchRequest& request)>;

    /// What stands at this URL, for all methods.
    void serve(const std::string& url, Handler handler) { handlers_[url] = std::move(handler); }
    void serve(const std::string& url, FetchResponse response) {
        serve(url, [response = std::move(response)](const FetchRequest&) { return response; });
    }
    /// What was fetched, in order.
    const std::vector<FetchRequest>& requests() const { return requests_; }

    Result<FetchResponse> fetch(const FetchRequest& request) override {
        RATLS_CHECK(check_request(request));
        requests_.push_back(request);
        const auto handler = handlers_.find(request.url);
        if (handler == handlers_.end()) {
            return fail(Code::unavailable, "http: " + request.url, "nothing stands there");
        }
        RATLS_TRY(FetchResponse response, handler->second(request));
        if (request.method == "HEAD") {
            response.body.clear();
        }
        if (response.body.size() > request.max_bytes) {
            return fail(Code::too_large, "http: " + request.url, "a response that is too large");
        }
        if (request.sink) {
            RATLS_CHECK(request.sink(std::exchange(response.body, {})));
        }
        return response;
    }

  private:
    std::map<std::string, Handler> handlers_;
    std::vector<FetchRequest> requests_;
};

}  // namespace ratls::test
