#include "ratls/endorse/downloader.h"

#include "test/fake/fake_http_client.h"
#include "test/fake/fake_waiter.h"
#include "test/unit/ratls/endorse/documents.h"

using namespace ratls;
using namespace ratls::endorse;
using namespace ratls::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const std::string kUrl = "https://server.example/document";

FetchResponse answer(int status, const std::string& retry_after = {}) {
    FetchResponse out{.status = status, .headers = {}, .body = to_bytes(as_bytes("document"))};
    if (!retry_after.empty()) {
        out.headers.push_back({"retry-after", retry_after});
    }
    return out;
}

/// A server that gives these answers one after the other, and its patient client.
struct Scene {
    explicit Scene(std::vector<Result<FetchResponse>> answers, Manners manners = {})
        : downloader(http, clock, waiter, std::move(manners),
                     [this](const std::string& text) { notices.push_back(text); }) {
        http.serve(kUrl, [this, answers = std::move(answers)](const FetchRequest&) {
            REQUIRE(http.requests().size() <= answers.size());
            return answers[http.requests().size() - 1];
        });
    }

    Result<FetchResponse> get() { return downloader.get(kUrl, 100); }

    FakeHttpClient http;
    FakeClock clock;
    FakeWaiter waiter{clock};
    std::vector<std::string> notices;
    Downloader downloader;
};

std::vector<milliseconds> in_seconds(std::vector<int> times) {
    std::vector<milliseconds> out;
    for (const int time : times) {
        out.emplace_back(seconds(time));
    }
    return out;
}

}  // namespace

TEST_CASE("endorse.downloader: a good answer is given at once") {
    Scene scene({answer(200)}, {.ca_file = "ca.pem"});
    const auto response = scene.get();
    REQUIRE(response);
    CHECK(as_text(response->body) == "document");
    CHECK(scene.waiter.waits().empty());
    REQUIRE(scene.http.requests().size() == 1);
    const FetchRequest& request = scene.http.requests()[0];
    CHECK(request.method == "GET");
    CHECK(request.max_bytes == 100);
    CHECK(request.ca_file == "ca.pem");
    CHECK_FALSE(request.insecure_untrusted_bytes);
    CHECK(request.timeout == seconds(20));
}

TEST_CASE("endorse.downloader: Retry-After is honoured in seconds and as a date") {
    for (const int status : {429, 503}) {
        Scene scene({answer(status, "7"), answer(status, "0"), answer(200)});
        CHECK(scene.get());
        CHECK(scene.waiter.waits() == in_seconds({7, 0}));
        CHECK(scene.notices.size() == 2);
    }
    Scene scene({answer(429, "Sun, 15 Jun 2025 15:06:50 GMT"),
                 answer(503, "Sun, 15 Jun 2025 15:00:00 GMT"), answer(200)});
    REQUIRE(format_rfc3339(scene.clock.now()) == "2025-06-15T15:06:40Z");
    CHECK(scene.get());
    CHECK(scene.waiter.waits() == in_seconds({10, 0}));
}

TEST_CASE("endorse.downloader: without a usable Retry-After the pause doubles, in part random") {
    for (const std::string value : {"", "soon", "-1", "1.5", "1 s", "Sun, 15 Jun 2025"}) {
        CAPTURE(value);
        Scene scene({answer(503, value), answer(500), answer(502), answer(200)});
        CHECK(scene.get());
        const auto& waits = scene.waiter.waits();
        REQUIRE(waits.size() == 3);
        for (std::size_t i = 0; i < 3; ++i) {
            const milliseconds whole(500U << i);
            CHECK(waits[i] >= whole / 2);
            CHECK(waits[i] <= whole);
        }
    }
}

TEST_CASE("endorse.downloader: after four attempts it ends, naming address and status") {
    Scene scene({answer(504), answer(504), answer(504), answer(504)});
    const auto response = scene.get();
    CHECK(code_of(response) == Code::unavailable);
    CHECK(response.error().text() == "\"" + kUrl + "\": status 504; 4 attempts");
    CHECK(scene.waiter.waits().size() == 3);
}

TEST_CASE("endorse.downloader: a server that is out of reach is tried again") {
    Scene scene({fail(Code::unavailable, "http", "no connection"), answer(200)});
    CHECK(scene.get());
    CHECK(scene.waiter.waits().size() == 1);
}

TEST_CASE("endorse.downloader: it never waits longer than it may, in total") {
    SUBCASE("one wait that is too long is not begun") {
        Scene scene({answer(429, "61")});
        const auto response = scene.get();
        CHECK(code_of(response) == Code::unavailable);
        CHECK(response.error().what ==
              "status 429; to try again after 61.0 s, and 60.0 s of waiting are left");
        CHECK(scene.waiter.waits().empty());
    }
    SUBCASE("one that is absurd neither") {
        for (const char* value : {"99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"}) {
            Scene scene({answer(429, value)}, {.max_wait = seconds(86400)});
            CHECK(code_of(scene.get()) == Code::unavailable);
            CHECK(scene.waiter.waits().empty());
        }
    }
    SUBCASE("all documents share the time") {
        Scene scene(
            {answer(429, "30"), answer(200), answer(429, "30"), answer(200), answer(429, "1")});
        CHECK(scene.get());
        CHECK(scene.get());
        CHECK(code_of(scene.get()) == Code::unavailable);
        CHECK(scene.waiter.waits() == in_seconds({30, 30}));
    }
    SUBCASE("zero seconds mean one attempt") {
        Scene scene({answer(503)}, {.max_wait = seconds(0)});
        CHECK(code_of(scene.get()) == Code::unavailable);
        CHECK(scene.waiter.waits().empty());
    }
}

TEST_CASE("endorse.downloader: all attempts together have a deadline") {
    Scene scene({answer(200)});
    scene.http.serve(kUrl, [&](const FetchRequest& request) -> Result<FetchResponse> {
        CHECK(request.timeout > milliseconds(0));
        scene.clock.advance(request.timeout);
        return fail(Code::unavailable, "http", "too slow");
    });
    int failures = 0;
    while (scene.clock.monotonic() < seconds(120)) {
        CHECK(code_of(scene.get()) == Code::unavailable);
        REQUIRE(++failures < 100);
    }
    CHECK(scene.clock.monotonic() <= seconds(120));
    const std::size_t before = scene.http.requests().size();
    const auto late = scene.get();
    CHECK(code_of(late) == Code::unavailable);
    CHECK(late.error().what == "the time for all documents is over");
    CHECK(scene.http.requests().size() == before);
}

TEST_CASE("endorse.downloader: what waiting does not mend ends at once") {
    for (const int status : {201, 204, 206, 301, 302, 307, 400, 401, 403, 404, 410, 501}) {
        CAPTURE(status);
        Scene scene({answer(status, "1")});
        const auto response = scene.get();
        CHECK(code_of(response) == Code::unavailable);
        CHECK(response.error().text().find(kUrl) != std::string::npos);
        CHECK(response.error().what.starts_with("status " + std::to_string(status)));
        CHECK(scene.waiter.waits().empty());
    }
    for (const Code code : {Code::untrusted, Code::malformed, Code::too_large, Code::usage}) {
        Scene scene({fail(code, "http", "refused")});
        CHECK(code_of(scene.get()) == code);
        CHECK(scene.waiter.waits().empty());
    }
}

TEST_CASE("endorse.downloader: a redirect is named as such") {
    Scene scene({answer(302)});
    CHECK(scene.get().error().what == "status 302, a redirect, which is not followed");
}

TEST_CASE("endorse.downloader: https, or http to this machine") {
    const std::vector<std::pair<std::string, std::string>> good = {
        {"https://kdsintf.amd.com", "https://kdsintf.amd.com"},
        {"https://pccs.example:8081/", "https://pccs.example:8081"},
        {"https://mirror.example/intel//", "https://mirror.example/intel"},
        {"https://[2001:db8::1]:8081", "https://[2001:db8::1]:8081"},
        {"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
        {"http://127.1.2.3/pccs", "http://127.1.2.3/pccs"},
        {"http://[::1]:8080", "http://[::1]:8080"},
    };
    for (const auto& [url, wanted] : good) {
        CAPTURE(url);
        CHECK(check_server(url) == wanted);
    }
    const std::vector<std::string> wrong = {
        "",
        "kdsintf.amd.com",
        "ftp://127.0.0.1",
        "HTTP://example.org",
        "https://",
        "https:///path",
        "http://kdsintf.amd.com",
        "http://localhost",
        "http://127.0.0.1.example.org",
        "http://127.0.0.example",
        "http://127.0.0",
        "http://127.0.0.",
        "http://127.0.0.0001",
        "http://128.0.0.1",
        "http://127.0.0.1@example.org",
        "http://127.0.0.1\\@example.org",
        "http://[::1].example.org",
        "http://[::1",
        "http://[::2]",
        "https://user:word@example.org",
        "https://example.org?x=y",
        "https://example.org#x",
    };
    for (const std::string& url : wrong) {
        CAPTURE(url);
        CHECK(code_of(check_server(url)) == Code::usage);
    }
}
