// The routes of the agent that use the TPM, on a pretended one.
#include "agent/agent.h"

#include <doctest/doctest.h>

#include "ratls/cert/activation.h"
#include "ratls/cert/native.h"
#include "ratls/codec/cbor.h"
#include "ratls/codec/json.h"
#include "ratls/evidence/tpm/credential.h"
#include "test/fake/fake_clock.h"
#include "test/fake/fake_files.h"
#include "test/fake/fake_tpm.h"
#include "test/support/ima_builder.h"
#include "test/unit/ratls/crypto/make_certificate.h"

using namespace ratls;
using namespace ratls::agent;
using namespace ratls::test;

namespace {

constexpr std::string_view kRoot = "/.well-known/ratls-vm/";
constexpr std::uint32_t kP256Index = 0x01c0000a;

/// A certificate by whoever: the agent hands it out, and only verifiers judge it.
Bytes certificate_about(const PublicKey& key) {
    Pieces pieces;
    pieces.spki = key.spki();
    return pieces.build();
}

class AgentScene {
  public:
    AgentScene() {
        config.names = {"vm.example"};
        config.vm.tcti = "pretended";
        config.vm.tsm = "";
        config.vm.ima_log = "";
        config.vm.boot_log = "";
    }

    /// Starts it with a TPM that has an EK certificate, unless `prepare` says otherwise.
    Result<std::unique_ptr<Agent>> start(const std::function<void(FakeTpm&)>& prepare) {
        platform.open_tpm = [this, prepare](const std::string&,
                                            const TpmKeys& wanted) -> Result<std::unique_ptr<Tpm>> {
            keys = wanted;
            if (gone) {
                return fail(Code::unavailable, "tpm", "no device");
            }
            auto made = std::make_unique<FakeTpm>(PrivateKey::parse(ak_key.reveal()).value());
            tpm = made.get();
            prepare(*made);
            return made;
        };
        return Agent::start(config, platform,
                            [this](std::string_view line) { lines.emplace_back(line); });
    }
    void start() {
        auto started = start([](FakeTpm& made) {
            made.put_nv(kP256Index, certificate_about(made.ek(EkKind::p256).key()));
        });
        REQUIRE_MESSAGE(started, (started ? "" : started.error().text()));
        agent = *std::move(started);
    }

    http::Response ask(http::Method method, std::string_view route, Bytes body = {}) {
        return ask_path(method, std::string(kRoot) + std::string(route), std::move(body));
    }
    http::Response ask_path(http::Method method, std::string path, Bytes body = {}) {
        const Certificate leaf = Certificate::parse(agent->identity()->chain_der.front()).value();
        ConnectionInfo info;
        info.exporter = [](ByteView) { return std::array<std::uint8_t, 32>{}; };
        info.leaf_sha256 = sha256(leaf.der());
        info.network = network;
        spki = to_bytes(leaf.spki());
        if (other_connection) {
            info.leaf_sha256[0] ^= 1;
        }
        http::Request request;
        request.method = method;
        request.path = std::move(path);
        request.body = std::move(body);
        return agent->handle(request, info);
    }
    /// As the kernel does: into the log, then into the PCR.
    void measure(const std::string& path) {
        const std::size_t before = ima.log().size();
        ima.add(path, sha256(as_bytes(path)));
        if (before == 0) {
            files.put(config.vm.ima_log, ima.log());
        } else {
            files.append(config.vm.ima_log, ByteView(ima.log()).subspan(before));
        }
        set_pcr10();
    }
    void set_pcr10() const { tpm->set_pcr(10, HashAlg::sha256, ima.pcr()); }
    /// Starts it with a log of one entry.
    void start_with_log() {
        config.vm.ima_log = "/ima";
        files.put("/ima", Bytes());
        start();
        measure("boot_aggregate");
    }
    /// As ratls-certtool would: a certificate in files, with the key that this agent made.
    void save_certificate() {
        const auto shown = agent->identity();
        files.put("/cert.der", shown->chain_der.front());
        files.put("/key.pem", shown->key.pem().value().reveal());
    }
    /// An agent that serves them.
    void start_with_files() {
        start();
        save_certificate();
        config.certificate = "/cert.der";
        config.key = "/key.pem";
        start();
    }
    Json health(int status) {
        const http::Response response = ask_path(http::Method::get, "/v1/health");
        CHECK(response.status == status);
        return parse_json(as_text(response.body)).value();
    }
    static std::string member(const Json& json, std::string_view object, std::string_view name) {
        const Json* found = object.empty() ? json.find(name) : json.find(object)->find(name);
        return found->is_null() ? "null" : *found->if_string();
    }
    http::Response evidence() {
        return ask(http::Method::post, "evidence",
                   cbor::Encoder().map(1).uint(1).bytes(Bytes(32)).take());
    }

    /// A question that this TPM, or the other one, can answer.
    cert::ActivationRequest question(Tpm& about) const {
        const auto ek = tpm::parse_public_area(about.ek_public(EkKind::p256).value()).value();
        const auto ak = tpm::parse_public_area(about.ak_public().value()).value();
        const auto made = tpm::make_credential(ek, ak.name, Secret(Bytes(secret))).value();
        cert::ActivationRequest out;
        out.context.fill(0x21);
        out.id_object = made.id_object;
        out.encrypted_secret = made.encrypted_secret;
        return out;
    }

    FakeFiles files;
    ImaBuilder ima;
    FakeClock clock;
    VmPlatform platform{.files = files, .tsm_files = files, .clock = clock, .open_tpm = {}};
    AgentConfig config;
    std::unique_ptr<Agent> agent;
    const Secret ak_key = PrivateKey::generate(KeyKind::p256).value().pem().value();
    bool gone = false;               ///< the TPM cannot be opened
    std::vector<std::string> lines;  ///< of the log
    FakeTpm* tpm = nullptr;          ///< that was opened last
    TpmKeys keys;                    ///< with which the TPM was opened last
    Bytes spki;                      ///< of the connection that was asked last
    bool other_connection = false;
    std::string network = "192.0.2.1";
    const Bytes secret = Bytes(32, 0x66);
};

}  // namespace

TEST_CASE("agent: the EK is served with its certificate") {
    AgentScene scene;
    scene.start();
    const http::Response response = scene.ask(http::Method::get, "ek");
    REQUIRE(response.status == 200);
    const auto answer = cert::parse_ek_answer(response.body);
    REQUIRE(answer);
    CHECK(answer->certificates ==
          std::vector<Bytes>{certificate_about(scene.tpm->ek(EkKind::p256).key())});
    CHECK(answer->public_area == scene.tpm->ek(EkKind::p256).public_area());
    CHECK(scene.ask(http::Method::post, "ek").status == 405);
}

TEST_CASE("agent: the CAs of a file follow the EK's certificate, or the file has both") {
    AgentScene scene;
    Pieces ca_pieces;
    ca_pieces.extensions = {ca()};
    const Bytes ca_certificate = ca_pieces.build();
    Bytes own;
    scene.config.vm.ek_certificate = "/ek.pem";
    const auto chain = [&](const std::function<Bytes(const Bytes& own)>& file, bool in_nv) {
        auto started = scene.start([&](FakeTpm& made) {
            own = certificate_about(made.ek(EkKind::p384).key());
            scene.files.put("/ek.pem", file(own));
            if (in_nv) {
                made.put_nv(0x01c00016, own);
            }
        });
        REQUIRE_MESSAGE(started, (started ? "" : started.error().text()));
        scene.agent = *std::move(started);
        return cert::parse_ek_answer(scene.ask(http::Method::get, "ek").body).value().certificates;
    };
    const auto appended = chain([&](const Bytes&) { return ca_certificate; }, true);
    CHECK(appended == std::vector<Bytes>{own, ca_certificate});
    const auto from_file = chain([](const Bytes& leaf) { return leaf; }, false);
    CHECK(from_file == std::vector<Bytes>{own});
}

TEST_CASE("agent: without an EK certificate there is no EK, which is no fault") {
    AgentScene scene;
    auto started = scene.start([](FakeTpm&) {});
    REQUIRE(started);
    scene.agent = *std::move(started);
    CHECK(scene.ask(http::Method::get, "ek").status == 404);
    CHECK(scene
              .ask(http::Method::post, "activate",
                   cert::encode_activation_request(scene.question(*scene.tpm)))
              .status == 404);
    CHECK(scene.evidence().status == 200);
}

TEST_CASE("agent: one bad NV index does not spoil the EK certificate in another") {
    for (const Bytes& bad : {Bytes(600, 0xff), Bytes(600), Bytes{0x10, 0x01, 0x00, 0x01, 0x02},
                             Bytes{0x30, 0x03, 0x02, 0x01, 0x05}}) {
        CAPTURE(bad.size());
        AgentScene scene;
        Bytes own;
        auto started = scene.start([&](FakeTpm& made) {
            own = certificate_about(made.ek(EkKind::p384).key());
            made.put_nv(0x01c00002, bad);
            made.put_nv(kP256Index, bad);
            made.put_nv(0x01c00016, own);
        });
        REQUIRE_MESSAGE(started, (started ? "" : started.error().text()));
        scene.agent = *std::move(started);
        const http::Response response = scene.ask(http::Method::get, "ek");
        REQUIRE(response.status == 200);
        CHECK(cert::parse_ek_answer(response.body)->certificates == std::vector<Bytes>{own});
    }
}

TEST_CASE("agent: a certificate from a file does not need those in the TPM") {
    AgentScene scene;
    scene.config.vm.ek_certificate = "/ek.pem";
    auto started = scene.start([&](FakeTpm& made) {
        scene.files.put("/ek.pem", certificate_about(made.ek(EkKind::p256).key()));
        for (const std::uint32_t index : {0x01c00002U, kP256Index, 0x01c00016U}) {
            made.put_nv(index, Bytes(600, 0xff));
        }
    });
    REQUIRE_MESSAGE(started, (started ? "" : started.error().text()));
    scene.agent = *std::move(started);
    CHECK(scene.ask(http::Method::get, "ek").status == 200);
}

TEST_CASE("agent: an EK certificate about another key is not served, and a fault if configured") {
    const auto wrong = [](FakeTpm& made) {
        made.put_nv(kP256Index, certificate_about(FakeEk(KeyKind::p256).key()));
    };
    AgentScene scene;
    auto started = scene.start(wrong);
    REQUIRE(started);
    scene.agent = *std::move(started);
    CHECK(scene.ask(http::Method::get, "ek").status == 404);
    scene.config.vm.ek_handle = "0x81010001";
    const auto refused = scene.start(wrong);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::mismatch);
    scene.config.vm.ek_handle = "0x01010001";
    CHECK_FALSE(scene.start(wrong));
    scene.config.vm.ek_handle = "";
    scene.config.vm.ak_type = "dsa";
    CHECK_FALSE(scene.start(wrong));
}

TEST_CASE("agent: on Google's cloud the AK and its certificate are those in the TPM") {
    AgentScene scene;
    scene.config.vm.ak_type = "gce-ecc";
    Bytes certificate;
    CHECK_FALSE(scene.start([](FakeTpm&) {}));  // without the certificate
    const auto other = scene.start([](FakeTpm& made) {
        made.put_nv(0x01c10002, certificate_about(made.ek(EkKind::p256).key()));
    });
    REQUIRE_FALSE(other);
    CHECK(other.error().where == "AK certificate");
    const auto started = scene.start([&](FakeTpm& made) {
        const auto ak = tpm::parse_public_area(made.ak_public().value()).value();
        certificate = certificate_about(ak.key);
        Bytes larger = certificate;
        larger.resize(larger.size() + 100);  // than what is in it
        made.put_nv(0x01c10002, larger);
    });
    REQUIRE_MESSAGE(started, started.error().text());
    const Certificate leaf = Certificate::parse((*started)->identity()->chain_der.front()).value();
    const auto native = cert::parse_native(leaf);
    REQUIRE(native);
    REQUIRE(native->collection.tpm);
    CHECK(native->collection.tpm->ak_certificates == std::vector<Bytes>{certificate});
    CHECK(scene.keys.ak_template == 0x01c10003);
}

TEST_CASE("agent: an activation proves the secret for this connection, and does not tell it") {
    AgentScene scene;
    scene.start();
    const cert::ActivationRequest question = scene.question(*scene.tpm);
    const http::Response response =
        scene.ask(http::Method::post, "activate", cert::encode_activation_request(question));
    REQUIRE(response.status == 200);
    const auto proof = cert::parse_activation_answer(response.body);
    REQUIRE(proof);
    CHECK(*proof ==
          cert::activation_proof(Secret(Bytes(scene.secret)), question.context, scene.spki));
    CHECK(std::ranges::search(response.body, scene.secret).empty());
}

TEST_CASE("agent: a credential for another TPM, or none, is refused in words") {
    AgentScene scene;
    scene.start();
    FakeTpm other;
    const auto status = [&](Bytes body) {
        return scene.ask(http::Method::post, "activate", std::move(body)).status;
    };
    CHECK(status(cert::encode_activation_request(scene.question(other))) == 422);
    CHECK(status({}) == 400);
    CHECK(status(Bytes(100, 0xff)) == 400);
    CHECK(scene.ask(http::Method::get, "activate").status == 405);
    const Bytes good = cert::encode_activation_request(scene.question(*scene.tpm));
    CHECK(status(good) == 200);
    scene.other_connection = true;
    CHECK(status(good) == 409);
}

TEST_CASE("agent: evidence and activation share a rate, and the answer says when to come again") {
    AgentScene scene;
    scene.config.evidence_burst = 2;
    scene.config.evidence_per_minute = 20;
    scene.start();
    const Bytes question = cert::encode_activation_request(scene.question(*scene.tpm));
    CHECK(scene.ask(http::Method::post, "activate", {}).status == 400);  // takes nothing
    CHECK(scene.evidence().status == 200);
    CHECK(scene.ask(http::Method::post, "activate", question).status == 200);
    for (const http::Response& response :
         {scene.evidence(), scene.ask(http::Method::post, "activate", question)}) {
        CHECK(response.status == 429);
        REQUIRE(response.header("retry-after") != nullptr);
        CHECK(*response.header("retry-after") == "3");
    }
    CHECK(scene.ask(http::Method::get, "certificate").status == 200);
    CHECK(scene.ask(http::Method::get, "ek").status == 200);
    scene.clock.advance(std::chrono::seconds(3));
    CHECK(scene.evidence().status == 200);
    CHECK(scene.evidence().status == 429);
}

TEST_CASE("agent: logs have a rate of their own for each network, and need no TPM") {
    AgentScene scene;
    scene.config.evidence_burst = 1;
    scene.config.evidence_per_minute = 1;
    scene.config.log_burst = 2;
    scene.config.log_per_minute = 60;
    scene.start_with_log();
    CHECK(scene.evidence().status == 200);
    CHECK(scene.evidence().status == 429);
    scene.tpm->before_quote = [] { FAIL("a log route asks the TPM"); };
    CHECK(scene.ask(http::Method::get, "ima").status == 200);
    CHECK(scene.ask(http::Method::get, "eventlog").status == 404);
    for (const char* route : {"ima", "eventlog"}) {
        const auto refused = scene.ask(http::Method::get, route);
        CHECK(refused.status == 429);
        REQUIRE(refused.header("retry-after") != nullptr);
        CHECK(*refused.header("retry-after") == "1");
    }
    scene.network = "192.0.2.2";
    const auto served = scene.ask(http::Method::get, "ima");
    REQUIRE(served.status == 200);
    REQUIRE(served.stream);
    CHECK(served.stream->size == scene.ima.log().size());
}

TEST_CASE("agent: fresh evidence is about the log as it is, also when it is another one") {
    AgentScene scene;
    scene.start_with_log();
    const auto entries = [&]() -> std::uint64_t {
        const auto response = scene.evidence();
        REQUIRE_MESSAGE(response.status == 200, as_text(response.body));
        return cert::parse_collection(response.body).value().ima->entries;
    };
    CHECK(entries() == 1);
    scene.measure("/bin/one");
    scene.measure("/bin/two");
    CHECK(entries() == 3);
    // Written anew in the same file, and longer: nothing but the PCR tells.
    scene.ima = ImaBuilder();
    scene.ima.add("boot_aggregate", Bytes(32)).add("/bin/1", Bytes(32)).add("/bin/2", Bytes(32));
    scene.ima.add("/bin/3", Bytes(32));
    scene.files.overwrite("/ima", scene.ima.log());
    scene.set_pcr10();
    CHECK(entries() == 4);
}

TEST_CASE("agent: a log that the TPM did not see is no evidence, until it did") {
    AgentScene scene;
    scene.start_with_log();
    scene.measure("/bin/one");
    CHECK(scene.evidence().status == 200);
    scene.tpm->reboot();
    for (int times = 0; times < 3; ++times) {
        const auto refused = scene.evidence();
        CHECK(refused.status == 503);
        CHECK(refused.cause.find("does not replay to PCR 10") != std::string::npos);
    }
    scene.set_pcr10();
    CHECK(scene.evidence().status == 200);
}

TEST_CASE("agent: a TPM that fails is opened again, and until then the answer is 503") {
    AgentScene scene;
    scene.config.evidence_burst = 1;
    scene.config.evidence_per_minute = 1;
    scene.start_with_log();
    CHECK(scene.member(scene.health(200), "", "status") == "ok");
    scene.tpm->failure = Error{Code::io, "tpm: TPM2_Quote", "broken on purpose"};
    scene.gone = true;
    for (int times = 0; times < 3; ++times) {  // failures take nothing from the rate
        const auto refused = scene.evidence();
        CHECK(refused.status == 503);
        CHECK(refused.header("retry-after") != nullptr);
        CHECK(refused.cause.find("no device") != std::string::npos);
        CHECK(as_text(refused.body).find("no device") == std::string_view::npos);
        CHECK(as_text(refused.body).find("the TPM does not work") != std::string_view::npos);
    }
    CHECK(scene.member(scene.health(503), "quote", "error") == "the TPM does not work");
    scene.gone = false;
    CHECK(scene.evidence().status == 503);  // its PCRs are those of a reset
    CHECK(scene.member(scene.health(503), "", "error") ==
          "the IMA log and the PCRs of the TPM differ");
    scene.set_pcr10();
    CHECK(scene.evidence().status == 200);
    CHECK(scene.member(scene.health(200), "quote", "error") == "null");
    CHECK(scene.evidence().status == 429);
}

TEST_CASE("agent: a failure is told without a path of this machine, and its cause is in the log") {
    AgentScene scene;
    scene.start_with_log();
    scene.files.break_path("/ima", Code::io);
    for (const http::Response& response : {scene.evidence(), scene.ask(http::Method::get, "ima"),
                                           scene.ask_path(http::Method::get, "/v1/health")}) {
        CHECK(response.status == 503);
        CHECK(as_text(response.body).find("/ima") == std::string_view::npos);
        CHECK(as_text(response.body).find("cannot be read") != std::string_view::npos);
        CHECK(response.cause.find("\"/ima\"") != std::string::npos);
        CHECK(response.cause.find("broken on purpose") != std::string::npos);
    }
    CHECK(scene.member(scene.health(503), "logs", "error") == "the logs cannot be read");
}

TEST_CASE(
    "agent: a certificate from a file is read again when it changes, and not before it fits") {
    AgentScene scene;
    scene.start_with_files();
    const auto first = scene.agent->identity();
    scene.clock.advance(std::chrono::hours(1));
    CHECK(scene.agent->identity() == first);
    CHECK(scene.evidence().status == 200);
    scene.config.certificate = "";
    auto other = scene.start([](FakeTpm&) {});
    REQUIRE(other);
    const auto next = (*other)->identity();
    scene.files.put("/cert.der", next->chain_der.front());  // its key comes later
    CHECK(scene.agent->identity() == first);
    scene.clock.advance(std::chrono::seconds(2));
    CHECK(scene.agent->identity() == first);
    CHECK(scene.evidence().status == 200);
    REQUIRE(scene.lines.size() == 1);
    CHECK(scene.lines.front().find("not the key of /cert.der") != std::string::npos);
    CHECK(scene.member(scene.health(503), "certificate", "error") ==
          "the certificate's new file cannot be used");
    scene.files.put("/key.pem", next->key.pem().value().reveal());
    scene.clock.advance(std::chrono::seconds(2));
    CHECK(scene.agent->identity()->chain_der == next->chain_der);
    CHECK(scene.evidence().status == 200);
    scene.health(200);
    CHECK(scene.lines.size() == 1);
}

TEST_CASE("agent: a certificate that expired is not served, whoever made it, and health says so") {
    AgentScene scene;
    bool from_file = false;
    SUBCASE("from a file") {
        from_file = true;
        scene.start_with_files();
    }
    SUBCASE("of its own, that could not be renewed") {
        scene.start();
    }
    const auto good = scene.agent->identity();
    scene.clock.advance(std::chrono::hours(25));
    const auto shown = scene.agent->identity();
    CHECK(shown != good);
    const Certificate certificate = Certificate::parse(shown->chain_der.front()).value();
    CHECK_FALSE(cert::has_collection(certificate));
    CHECK(certificate.not_after() > scene.clock.now());
    for (const http::Response& response :
         {scene.evidence(), scene.ask(http::Method::get, "certificate"),
          scene.ask(http::Method::post, "activate")}) {
        CHECK(response.status == 503);
        CHECK(response.cause.starts_with("the certificate expired at "));
    }
    const Json health = scene.health(503);
    CHECK(scene.member(health, "certificate", "error").starts_with("the certificate expired at "));
    CHECK(scene.member(health, "", "status") == "failing");
    if (from_file) {
        scene.config.certificate = "";
        auto other = scene.start([](FakeTpm&) {});
        REQUIRE(other);
        scene.files.put("/cert.der", (*other)->identity()->chain_der.front());
        scene.files.put("/key.pem", (*other)->identity()->key.pem().value().reveal());
        scene.clock.advance(std::chrono::seconds(2));
    } else {
        CHECK(scene.agent->renew_if_due());
    }
    CHECK(cert::has_collection(
        Certificate::parse(scene.agent->identity()->chain_der.front()).value()));
    scene.health(200);
    CHECK(scene.evidence().status == 200);
}

TEST_CASE("agent: a document of the wrong kind to carry is an error at start") {
    AgentScene scene;
    scene.config.vm.vek = "/vek";
    scene.files.put("/vek", certificate_about(FakeTpm().ek(EkKind::p256).key()));
    const auto refused = scene.start([](FakeTpm&) {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().where == "vek \"/vek\"");
}

TEST_CASE("agent: a renewal is not held up by an empty rate") {
    AgentScene scene;
    scene.config.evidence_burst = 1;
    scene.config.evidence_per_minute = 1;
    scene.start();
    CHECK(scene.evidence().status == 200);
    CHECK(scene.evidence().status == 429);
    const auto before = scene.agent->identity();
    scene.clock.advance(std::chrono::hours(13));
    CHECK(scene.agent->renew_if_due());
    CHECK(scene.agent->identity() != before);
}

TEST_CASE("agent.config: limits and keys of the TPM are read, within their bounds") {
    const auto config = parse_config(
        "names = [\"vm\"]\n[evidence]\nak_type = \"rsa\"\nek_handle = \"0x81010001\"\n"
        "ek_certificate = \"/ek.pem\"\n[limits]\nevidence_burst = 1\nevidence_per_minute = 6000\n"
        "log_burst = 2\nlog_per_minute = 3\nconnections_per_address = 0\n"
        "proxies = [\"192.0.2.9\", \"2001:DB8:0::9\", \"::ffff:192.0.2.8\"]\n");
    REQUIRE_MESSAGE(config, (config ? "" : config.error().text()));
    CHECK(config->vm.ak_type == "rsa");
    CHECK(config->vm.ek_handle == "0x81010001");
    CHECK(config->vm.ek_certificate == "/ek.pem");
    CHECK(config->evidence_burst == 1);
    CHECK(config->evidence_per_minute == 6000);
    CHECK(config->log_burst == 2);
    CHECK(config->log_per_minute == 3);
    CHECK(config->connections_per_address == 0);
    CHECK(config->proxies == std::vector<std::string>{"192.0.2.9", "2001:db8::9", "192.0.2.8"});
    for (const char* wrong :
         {"evidence_burst = 0", "evidence_burst = 1001", "evidence_per_minute = 0",
          "evidence_per_minute = 6001", "log_burst = 0", "log_per_minute = 60001",
          "connections_per_address = -1", "connections_per_address = 257", "proxies = \"x\"",
          "proxies = [\"proxy.example\"]", "proxies = [\"192.0.2.0/24\"]",
          "evidence_per_minute = \"1\"", "other = 1"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_config(std::string("names = [\"vm\"]\n[limits]\n") + wrong + "\n"));
    }
}
