#include "verify/cli/endpoint.h"

#include <doctest/doctest.h>

using namespace ratls;
using namespace ratls::cli;

namespace {

std::string error_of(const std::string& target, const std::vector<std::string>& resolve = {}) {
    const auto endpoint = parse_endpoint(target, resolve);
    REQUIRE_FALSE(endpoint);
    CHECK(endpoint.error().code == Code::usage);
    return endpoint.error().text();
}

}  // namespace

TEST_CASE("cli.endpoint: a TARGET is a file or a host by its text alone") {
    for (const char* file : {"-", "./vm", "a/b", "/etc/cert", "vm.pem", "vm.der", "vm.crt",
                             "vm.cer", "vm.bin", "vm.json", "VM.PEM", "ftp://vm", "http://vm",
                             "HTTPS://vm", "vm.example.org:443/", "user@vm/x", "vm.pem/"}) {
        CAPTURE(file);
        CHECK(names_file(file));
    }
    for (const char* host : {"vm", "vm.example.org", "vm.example.org:5555", "[::1]:443",
                             "127.0.0.1", "https://vm.pem", "https://vm/", "https://vm/a",
                             "vm.pem:443", "pem", "", "vm.txt", "--", "a@b", "vm#x", "vm?x"}) {
        CAPTURE(host);
        CHECK_FALSE(names_file(host));
    }
}

TEST_CASE("cli.endpoint: hosts with and without scheme, port and brackets") {
    const auto text = [](const std::string& target) {
        const auto endpoint = parse_endpoint(target, {});
        REQUIRE(endpoint);
        CHECK(endpoint->address.empty());
        return endpoint->text();
    };
    CHECK(text("vm.example.org") == "vm.example.org:443");
    CHECK(text("VM-1_a.example.org:1") == "VM-1_a.example.org:1");
    CHECK(text("vm:65535") == "vm:65535");
    CHECK(text("https://vm") == "vm:443");
    CHECK(text("https://vm/") == "vm:443");
    CHECK(text("https://vm.pem:5555/") == "vm.pem:5555");
    CHECK(text("127.0.0.1:8443") == "127.0.0.1:8443");
    CHECK(text("[::1]") == "[::1]:443");
    CHECK(text("https://[2001:db8::1]:5555") == "[2001:db8::1]:5555");
    CHECK(text(std::string(63, 'a') + ".b") == std::string(63, 'a') + ".b:443");
}

TEST_CASE("cli.endpoint: what is no host is an error that shows it, never a question to the DNS") {
    for (const char* target : {"",
                               "user@vm",
                               "https://user@vm",
                               "https://user:secret@vm",
                               "vm#x",
                               "vm?x",
                               "https://vm#x",
                               "https://vm?x",
                               "https://vm/?x",
                               "https://",
                               "https:///",
                               "vm x",
                               " vm",
                               "vm\n",
                               "vm:",
                               "vm:0",
                               "vm:65536",
                               "vm:+1",
                               "vm:-1",
                               "vm:4 3",
                               "vm:x",
                               "vm:1:2",
                               "::1",
                               "fe80::1",
                               "[::1",
                               "[]",
                               "[vm]",
                               "[127.0.0.1]",
                               "[::1]x",
                               "[::1]5",
                               "[::1]:",
                               ":443",
                               "vm.",
                               ".vm",
                               "a..b",
                               "-vm",
                               "a.-b",
                               "b\xc3\xbc"
                               "ro",
                               "vm%00",
                               "vm*",
                               "[fe80::1%1]"}) {
        CAPTURE(target);
        CHECK(error_of(target).starts_with("TARGET: "));
    }
    CHECK(error_of("https://vm/path").contains("without a path"));
    CHECK(error_of("vm.pem").contains("the file \"vm.pem\" found"));
    CHECK(error_of("user@vm").contains("\"user@vm\" found"));
    CHECK(error_of("vm\x1b[2J").contains("\\x1b"));
    CHECK(error_of("::1").contains("brackets"));
    CHECK(error_of("vm:65536").contains("1 to 65535"));
    error_of(std::string(64, 'a'));
    error_of(std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a') + "." +
             std::string(63, 'a'));
}

TEST_CASE("cli.endpoint: --resolve names an address for one host and port") {
    const auto address = [](const std::string& target, const std::vector<std::string>& rules) {
        const auto endpoint = parse_endpoint(target, rules);
        REQUIRE(endpoint);
        return endpoint->address;
    };
    CHECK(address("vm", {"vm:443:127.0.0.1"}) == "127.0.0.1");
    CHECK(address("VM", {"vm:443:127.0.0.1"}) == "127.0.0.1");
    CHECK(address("vm", {"vm:443:::1"}) == "::1");
    CHECK(address("vm", {"vm:443:[::1]"}) == "::1");
    CHECK(address("[::1]:5", {"[::1]:5:127.0.0.1"}) == "127.0.0.1");
    CHECK(address("vm", {"vm:444:127.0.0.1", "other:443:127.0.0.2"}).empty());
    CHECK(address("vm", {"vm:443:127.0.0.1", "vm:443:127.0.0.2"}) == "127.0.0.2");
}

TEST_CASE("cli.endpoint: a --resolve of another form is an error, for whatever host it is") {
    for (const char* rule :
         {"", "vm", "vm:443", "vm:443:", "vm:127.0.0.1", "vm:443:localhost", "vm:0:127.0.0.1",
          "vm:x:127.0.0.1", ":443:127.0.0.1", "vm:443:127.0.0.1:1", "::1:443:127.0.0.1",
          "vm:443:127.0.0.1,127.0.0.2", "+vm:443:127.0.0.1", "-vm:443:127.0.0.1",
          "vm:443:[127.0.0.1", "*:443:127.0.0.1", "other:443:"}) {
        CAPTURE(rule);
        CHECK(error_of("vm", {rule}).starts_with("--resolve: "));
    }
    CHECK(error_of("vm", {"vm:443:localhost"}).contains("\"localhost\" found"));
    error_of("vm", {"vm:443:127.0.0.1", "junk"});
}
