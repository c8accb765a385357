// A small HTTP server on loopback, which says what the test wants.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "ratls/platform/descriptor.h"

namespace ratls::test {

class HttpServer {
  public:
    /// Gets a request, head and body, and gives the bytes of the response. Runs in the thread of
    /// the server. An empty response leaves the client waiting until the server ends.
    using Handler = std::function<std::string(const std::string& request)>;

    explicit HttpServer(Handler handler);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    unsigned port() const { return port_; }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  private:
    void serve();

    Handler handler_;
    Descriptor listener_;
    unsigned port_ = 0;
    std::vector<Descriptor> waiting_;
    std::thread thread_;
};

}  // namespace ratls::test
