#include "ratls/endorse/fetch.h"

#include "ratls/codec/hex.h"
#include "ratls/endorse/intel.h"
#include "test/fake/fake_files.h"
#include "test/fake/fake_http_client.h"
#include "test/fake/fake_waiter.h"
#include "test/unit/ratls/endorse/documents.h"

using namespace ratls;
using namespace ratls::endorse;
using namespace ratls::test;

namespace {

const std::string kFolder = "/cache/set";
const std::string kServer = "https://pcs.example";
const std::string kTcbInfo = kServer + "/tdx/certification/v4/tcb?fmspc=00806f050000";
const std::string kQeIdentity = kServer + "/tdx/certification/v4/qe/identity";
const std::string kPckCrl = kServer + "/sgx/certification/v4/pckcrl?ca=platform&encoding=der";
const std::string kRootCrl = kServer + "/sgx/certification/v4/rootcacrl";
constexpr std::size_t kFiles = 7;

std::string url_encoded(ByteView bytes) {
    std::string out;
    for (const std::uint8_t byte : bytes) {
        const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= 'a' && byte <= 'z') || byte == '-';
        out += plain ? std::string(1, static_cast<char>(byte)) : "%" + hex(ByteView(&byte, 1));
    }
    return out;
}

/// A server of Intel's documents, and a machine that fetches them.
struct Scene {
    Scene() {
        serve(kTcbInfo, tcb_info().bytes(), "tcb-info-issuer-chain", "signer.chain.pem");
        serve(kQeIdentity, qe_identity().bytes(), "sgx-enclave-identity-issuer-chain",
              "signer.chain.pem");
        serve(kPckCrl, collateral("platform.crl.der"), "sgx-pck-crl-issuer-chain",
              "platform.chain.pem");
        http.serve(kRootCrl, {.status = 200,
                              .headers = {},
                              .body = to_bytes(as_bytes(hex(collateral("root.crl.der")) + "\n"))});
        files.put_directory("/cache");
        auto made =
            intel_plan({Tee::tdx, PckCa::platform, {0x00, 0x80, 0x6f, 0x05, 0x00, 0x00}}, kServer);
        REQUIRE(made);
        plan = *std::move(made);
    }

    void serve(const std::string& url, Bytes body, const std::string& header,
               const std::string& chain) {
        http.serve(url, {.status = 200,
                         .headers = {{header, url_encoded(collateral(chain))}},
                         .body = std::move(body)});
    }
    Result<std::vector<Document>> obtain(bool refresh = false) {
        Downloader downloader(http, clock, waiter, {.max_wait = std::chrono::seconds(0)});
        return endorse::obtain(plan, kFolder, files, clock.now(),
                               {.downloader = &downloader, .refresh = refresh});
    }
    Result<std::vector<Document>> obtain_offline() {
        return endorse::obtain(plan, kFolder, files, clock.now(), {});
    }
    std::map<std::string, Bytes> held() {
        std::map<std::string, Bytes> out;
        const auto names = files.list(kFolder);
        for (std::size_t i = 0; names && i < names->size(); ++i) {
            const std::string& name = (*names)[i];
            out[name] = *files.read(kFolder + "/" + name, kMaxCrl);
        }
        return out;
    }
    std::vector<std::string> requested_since(std::size_t first) const {
        std::vector<std::string> out;
        for (std::size_t i = first; i < http.requests().size(); ++i) {
            out.push_back(http.requests()[i].url);
        }
        return out;
    }

    FakeHttpClient http;
    FakeFiles files;
    FakeClock clock;
    FakeWaiter waiter{clock};
    Plan plan;
};

}  // namespace

TEST_CASE("endorse.fetch: a set is fetched and kept, byte by byte") {
    Scene scene;
    const auto documents = scene.obtain();
    REQUIRE(documents);
    CHECK(documents->size() == kFiles);
    CHECK(std::ranges::all_of(*documents, &Document::fetched));
    const std::map<std::string, Bytes> wanted = {
        {"tcb_info.json", tcb_info().bytes()},
        {"tcb_info_issuer_chain.pem", collateral("signer.chain.pem")},
        {"qe_identity.json", qe_identity().bytes()},
        {"qe_identity_issuer_chain.pem", collateral("signer.chain.pem")},
        {"pck.crl.der", collateral("platform.crl.der")},
        {"pck_crl_issuer_chain.pem", collateral("platform.chain.pem")},
        {"root_ca.crl.der", collateral("root.crl.der")},
    };
    CHECK(scene.held() == wanted);
    CHECK(scene.files.mode(kFolder + "/pck.crl.der") == 0644);
}

TEST_CASE("endorse.fetch: the header of older servers is understood too") {
    Scene scene;
    scene.serve(kTcbInfo, tcb_info().bytes(), "sgx-tcb-info-issuer-chain", "signer.chain.pem");
    CHECK(scene.obtain());
}

TEST_CASE("endorse.fetch: the root's list may come as DER from such a server") {
    Scene scene;
    scene.http.serve(kRootCrl, {.status = 200, .headers = {}, .body = collateral("root.crl.der")});
    REQUIRE(scene.obtain());
    CHECK(scene.held()["root_ca.crl.der"] == collateral("root.crl.der"));
}

TEST_CASE("endorse.fetch: what is there and valid is not fetched again") {
    Scene scene;
    REQUIRE(scene.obtain());
    const std::size_t before = scene.http.requests().size();
    const auto again = scene.obtain();
    REQUIRE(again);
    CHECK(again->size() == kFiles);
    CHECK(std::ranges::none_of(*again, &Document::fetched));
    CHECK(scene.http.requests().size() == before);
    CHECK(scene.obtain_offline());

    SUBCASE("unless that is asked for") {
        REQUIRE(scene.obtain(true));
        CHECK(scene.requested_since(before) ==
              std::vector<std::string>{kTcbInfo, kQeIdentity, kPckCrl, kRootCrl});
    }
    SUBCASE("what has expired is") {
        IntelJson newer = tcb_info();
        newer.next = "2025-09-01T00:00:00Z";
        scene.serve(kTcbInfo, newer.bytes(), "tcb-info-issuer-chain", "signer.chain.pem");
        IntelJson identity = qe_identity();
        identity.next = newer.next;
        scene.serve(kQeIdentity, identity.bytes(), "sgx-enclave-identity-issuer-chain",
                    "signer.chain.pem");
        scene.clock.set(*parse_rfc3339("2025-07-01T00:00:00Z"));
        CHECK(scene.obtain_offline());
        scene.clock.set(*parse_rfc3339("2025-07-01T00:00:01Z"));
        CHECK(code_of(scene.obtain_offline()) == Code::unavailable);
        REQUIRE(scene.obtain());
        CHECK(scene.requested_since(before) == std::vector<std::string>{kTcbInfo, kQeIdentity});
        CHECK(scene.held()["tcb_info.json"] == newer.bytes());
    }
    SUBCASE("what is damaged, or is another platform's, is") {
        IntelJson other = tcb_info();
        other.fmspc = "00906ed50000";
        scene.files.put(kFolder + "/tcb_info.json", other.bytes());
        scene.files.put(kFolder + "/pck_crl_issuer_chain.pem", "nothing");
        REQUIRE(scene.obtain());
        CHECK(scene.requested_since(before) == std::vector<std::string>{kTcbInfo, kPckCrl});
        CHECK(scene.held()["tcb_info.json"] == tcb_info().bytes());
    }
}

TEST_CASE("endorse.fetch: offline, what is missing is out of reach, and nothing is asked") {
    Scene scene;
    const auto documents = scene.obtain_offline();
    CHECK(code_of(documents) == Code::unavailable);
    CHECK(documents.error().text().find("tcb_info.json") != std::string::npos);
    CHECK(scene.http.requests().empty());
}

TEST_CASE("endorse.fetch: a bad answer is refused and never kept") {
    Scene scene;
    Code wanted = Code::malformed;
    IntelJson json = tcb_info();
    std::string chain = url_encoded(collateral("signer.chain.pem"));
    std::string header = "tcb-info-issuer-chain";
    Bytes body = json.bytes();
    SUBCASE("no JSON") {
        body = to_bytes(as_bytes("<html>hello</html>"));
    }
    SUBCASE("half of it") {
        body.resize(body.size() / 2);
    }
    SUBCASE("nothing") {
        body.clear();
    }
    SUBCASE("another platform's") {
        json.fmspc = "00906ed50000";
        body = json.bytes();
        wanted = Code::mismatch;
    }
    SUBCASE("another TEE's") {
        json.id = "SGX";
        body = json.bytes();
        wanted = Code::mismatch;
    }
    SUBCASE("expired") {
        json.next = "2025-06-15T15:06:39Z";
        body = json.bytes();
        wanted = Code::stale;
    }
    SUBCASE("of the future") {
        json.issued = "2025-06-15T15:06:41Z";
        body = json.bytes();
        wanted = Code::stale;
    }
    SUBCASE("one byte too large") {
        body.resize(kMaxDocument + 1, ' ');
        wanted = Code::too_large;
    }
    SUBCASE("without the chain") {
        header = "x-other";
    }
    SUBCASE("with a chain that is none") {
        chain = "nothing";
    }
    SUBCASE("with a chain that is cut off") {
        chain.resize(chain.size() / 2);
    }
    SUBCASE("with a chain in no URL encoding") {
        chain = "%0";
    }
    SUBCASE("with a chain that ends in a per cent sign") {
        chain += "%";
    }
    SUBCASE("with another chain") {
        chain = url_encoded(collateral("platform.chain.pem"));
        wanted = Code::mismatch;
    }
    SUBCASE("with an expired chain") {
        chain = url_encoded(collateral("expired.chain.pem"));
        wanted = Code::stale;
    }
    scene.http.serve(kTcbInfo, {.status = 200, .headers = {{header, chain}}, .body = body});
    const auto documents = scene.obtain();
    CHECK(code_of(documents) == wanted);
    CHECK(documents.error().text().find(kTcbInfo) != std::string::npos);
    CHECK(scene.held().empty());
}

TEST_CASE("endorse.fetch: a bad revocation list is refused") {
    Scene scene;
    REQUIRE(scene.obtain());
    const auto before = scene.held();
    Code wanted = Code::malformed;
    Bytes body = collateral("platform.crl.der");
    SUBCASE("cut off") {
        body.pop_back();
    }
    SUBCASE("longer than it says") {
        body.push_back(0);
    }
    SUBCASE("of another issuer") {
        body = collateral("processor.crl.der");
        wanted = Code::mismatch;
    }
    SUBCASE("expired") {
        body = collateral("expired.crl.der");
        wanted = Code::stale;
    }
    scene.serve(kPckCrl, body, "sgx-pck-crl-issuer-chain", "platform.chain.pem");
    CHECK(code_of(scene.obtain(true)) == wanted);
    CHECK(scene.held() == before);
}

TEST_CASE("endorse.fetch: if one document cannot be had, the old set stays as it was") {
    Scene scene;
    REQUIRE(scene.obtain());
    const auto before = scene.held();
    IntelJson newer = tcb_info();
    newer.next = "2025-09-01T00:00:00Z";
    scene.serve(kTcbInfo, newer.bytes(), "tcb-info-issuer-chain", "signer.chain.pem");
    SUBCASE("the last one is missing") {
        scene.http.serve(kRootCrl, {.status = 404, .headers = {}, .body = {}});
        const auto documents = scene.obtain(true);
        CHECK(code_of(documents) == Code::unavailable);
        CHECK(documents.error().text() == "\"" + kRootCrl + "\": status 404");
    }
    SUBCASE("the last one cannot be written") {
        scene.files.break_path(kFolder + "/root_ca.crl.der", Code::io);
        CHECK(code_of(scene.obtain(true)) == Code::io);
        CHECK(*scene.files.read(kFolder + "/tcb_info.json", kMaxDocument) == tcb_info().bytes());
        return;
    }
    CHECK(scene.held() == before);
}
