#include "ratls/cert/claims.h"

#include <functional>

#include "ratls/codec/cbor.h"
#include "test/unit/ratls/cert/vectors.h"

using namespace ratls;
using cbor::Encoder;

namespace {

/// The `native` map by claim, each value encoded, so that each can be wrong.
using Native = std::map<std::uint64_t, Bytes>;

Bytes number(std::uint64_t value) {
    return Encoder().uint(value).take();
}

Bytes hash_value(std::size_t size = 32) {
    return Encoder().bytes(Bytes(size, 0xab)).take();
}

Bytes text_list(std::initializer_list<std::string> items) {
    Encoder out;
    out.array(items.size());
    for (const std::string& item : items) {
        out.text(item);
    }
    return out.take();
}

Bytes hash_list(std::size_t count, std::size_t size = 32) {
    Bytes out = Encoder().array(count).take();
    for (std::size_t i = 0; i < count; ++i) {
        append(out, hash_value(size));
    }
    return out;
}

Bytes validity(std::uint64_t from, std::uint64_t to) {
    return Encoder().array(2).uint(from).uint(to).take();
}

Native good_native() {
    return {{1, number(1)},
            {2, validity(1000, 2000)},
            {6, number(1500)},
            {13, number(1)},
            {14, number(0)}};
}

Bytes encoded(const Native& native) {
    Bytes out = Encoder().map(native.size()).take();
    for (const auto& [claim, value] : native) {
        append(out, number(claim));
        append(out, value);
    }
    return out;
}

Bytes good_key_hash() {
    return Encoder().array(2).uint(1).bytes(Bytes(32, 0xcd)).take();
}

Bytes buffer(ByteView native, ByteView key_hash = good_key_hash()) {
    return Encoder()
        .map(2)
        .text("ratls-vm")
        .bytes(native)
        .text("pubkey-hash")
        .bytes(key_hash)
        .take();
}

/// `good_native` with one claim replaced or added.
Result<cert::Claims> with(std::uint64_t claim, Bytes value) {
    Native native = good_native();
    native[claim] = std::move(value);
    return cert::parse_claims(buffer(encoded(native)));
}

void check_refused(const Result<cert::Claims>& claims, std::string_view part,
                   Code code = Code::malformed) {
    REQUIRE_FALSE(claims);
    CHECK_MESSAGE(claims.error().where.starts_with("cert.claims"), claims.error().text());
    CHECK_MESSAGE(claims.error().text().find(part) != std::string::npos, claims.error().text());
    CHECK_MESSAGE(claims.error().code == code, claims.error().text());
}

}  // namespace

TEST_CASE("cert.claims: the known answers, written and read byte for byte") {
    int cases = 0;
    test::each(test::known_answers("claims.json"), "cases", [&](const Json& item) {
        CAPTURE(*item.find("name")->if_string());
        const cert::Claims claims = test::claims_of(*item.find("fields"));
        const Bytes wanted = test::hex_of(item, "claims_buffer");
        CHECK(hex(cert::encode_claims(claims)) == hex(wanted));
        const auto parsed = cert::parse_claims(wanted);
        REQUIRE(parsed);
        CHECK(*parsed == claims);
        CHECK(sha256(wanted) == test::digest_of(item, "sha256"));
        ++cases;
    });
    CHECK(cases == 4);
}

TEST_CASE("cert.claims: every truncation and every trailing byte is refused") {
    test::each(test::known_answers("claims.json"), "cases", [&](const Json& item) {
        Bytes good = test::hex_of(item, "claims_buffer");
        for (std::size_t n = 0; n < good.size(); ++n) {
            const auto claims = cert::parse_claims(ByteView(good).first(n));
            REQUIRE_FALSE(claims);
            CHECK(claims.error().where.starts_with("cert.claims"));
        }
        good.push_back(0);
        CHECK_FALSE(cert::parse_claims(good));
    });
}

TEST_CASE("cert.claims: the truncated inner strings of the claims are refused too") {
    const Bytes native = encoded(good_native());
    REQUIRE(cert::parse_claims(buffer(native)));
    for (std::size_t n = 0; n < native.size(); ++n) {
        check_refused(cert::parse_claims(buffer(ByteView(native).first(n))), "ratls-vm");
    }
    const Bytes key_hash = good_key_hash();
    for (std::size_t n = 0; n < key_hash.size(); ++n) {
        check_refused(cert::parse_claims(buffer(native, ByteView(key_hash).first(n))),
                      "pubkey-hash");
    }
    Bytes longer = native;
    longer.push_back(0);
    check_refused(cert::parse_claims(buffer(longer)), "ratls-vm");
    longer = key_hash;
    longer.push_back(0);
    check_refused(cert::parse_claims(buffer(native, longer)), "pubkey-hash");
}

TEST_CASE("cert.claims: the outer map has its two or three keys and no other") {
    const Bytes native = encoded(good_native());
    const Bytes key_hash = good_key_hash();
    const auto two = [&](std::string_view first, std::string_view second) {
        return cert::parse_claims(
            Encoder().map(2).text(first).bytes(native).text(second).bytes(key_hash).take());
    };
    REQUIRE(two("ratls-vm", "pubkey-hash"));
    check_refused(two("ratls-vn", "pubkey-hash"), "ratls-vm");
    check_refused(two("ratls-vm", "pubkey-hasi"), "pubkey-hash");
    check_refused(two("pubkey-hash", "ratls-vm"), "not sorted");
    check_refused(two("ratls-vm", "ratls-vm"), "not sorted, or twice");
    const auto three = [&](std::string_view key, std::size_t size) {
        return cert::parse_claims(Encoder()
                                      .map(3)
                                      .text(key)
                                      .bytes(Bytes(size))
                                      .text("ratls-vm")
                                      .bytes(native)
                                      .text("pubkey-hash")
                                      .bytes(key_hash)
                                      .take());
    };
    REQUIRE(three("nonce", 32));
    check_refused(three("nonce", 31), "nonce");
    check_refused(three("nonce", 33), "nonce", Code::too_large);
    check_refused(three("other", 32), "claims-buffer");
    check_refused(cert::parse_claims(Encoder().map(1).text("ratls-vm").bytes(native).take()),
                  "claims-buffer");
    check_refused(cert::parse_claims(Encoder().array(2).bytes(native).bytes(key_hash).take()),
                  "claims-buffer");
    check_refused(cert::parse_claims(Encoder().uint(0).take()), "claims-buffer");
    check_refused(cert::parse_claims(
                      Encoder().map(2).text("ratls-vm").uint(1).text("pubkey-hash").uint(1).take()),
                  "ratls-vm");
}

TEST_CASE("cert.claims: the key hash is SHA-256 and nothing else") {
    const Bytes native = encoded(good_native());
    const auto key_hash = [&](std::uint64_t alg, std::size_t size) {
        return cert::parse_claims(
            buffer(native, Encoder().array(2).uint(alg).bytes(Bytes(size)).take()));
    };
    REQUIRE(key_hash(1, 32));
    check_refused(key_hash(7, 32), "hash algorithm", Code::unsupported);
    check_refused(key_hash(0, 32), "hash algorithm", Code::unsupported);
    check_refused(key_hash(1, 31), "pubkey-hash");
    check_refused(key_hash(1, 48), "pubkey-hash", Code::too_large);
    const Bytes three = Encoder().array(3).uint(1).bytes(Bytes(32)).uint(0).take();
    check_refused(cert::parse_claims(buffer(native, three)), "pubkey-hash");
    check_refused(cert::parse_claims(buffer(native, number(1))), "pubkey-hash");
}

TEST_CASE("cert.claims: each required claim is required") {
    for (const std::uint64_t claim : {1U, 2U, 6U, 13U, 14U}) {
        Native native = good_native();
        native.erase(claim);
        check_refused(cert::parse_claims(buffer(encoded(native))),
                      "claim " + std::to_string(claim) + " (");
    }
}

TEST_CASE("cert.claims: unknown claims are refused below 64 and ignored from 64 on") {
    for (const std::uint64_t claim : {0U, 18U, 63U}) {
        check_refused(with(claim, number(0)), "unknown key " + std::to_string(claim),
                      Code::unsupported);
    }
    const cert::Claims plain = cert::parse_claims(buffer(encoded(good_native()))).value();
    for (const std::uint64_t claim : {std::uint64_t{64}, std::uint64_t{65}, UINT64_MAX}) {
        const auto claims = with(claim, text_list({"anything"}));
        REQUIRE(claims);
        CHECK(*claims == plain);
    }
    Native native = good_native();
    Bytes with_text = Encoder().map(native.size() + 1).take();
    append(with_text, ByteView(encoded(native)).subspan(1));
    append(with_text, Encoder().text("x").uint(0).view());
    check_refused(cert::parse_claims(buffer(with_text)), "unknown key \"x\"", Code::unsupported);
}

TEST_CASE("cert.claims: numbers are within their ranges") {
    check_refused(with(1, number(0)), "claim 1", Code::unsupported);
    check_refused(with(1, number(2)), "claim 1", Code::unsupported);
    CHECK(with(13, number(0)));
    CHECK(with(13, number(3)));
    check_refused(with(13, number(4)), "claim 13");
    CHECK(with(14, number(1)));
    check_refused(with(14, number(2)), "claim 14");
    CHECK(with(6, number(253402300799)));
    check_refused(with(6, number(253402300800)), "claim 6");
    check_refused(with(6, number(UINT64_MAX)), "claim 6");
    check_refused(with(6, hash_value()), "claim 6");
}

TEST_CASE("cert.claims: the validity is two times in order") {
    CHECK(with(2, validity(5, 5)));
    check_refused(with(2, validity(5, 4)), "claim 2");
    CHECK(with(2, validity(0, 253402300799)));
    check_refused(with(2, validity(0, 253402300800)), "claim 2");
    check_refused(with(2, Encoder().array(1).uint(1).take()), "claim 2");
    check_refused(with(2, Encoder().array(3).uint(1).uint(2).uint(3).take()), "claim 2");
    check_refused(with(2, number(1)), "claim 2");
}

TEST_CASE("cert.claims: the AK name is SHA-256's identifier and a digest") {
    const auto name = [](std::string_view alg, std::size_t size) {
        Bytes value = parse_hex(alg).value();
        value.resize(size);
        return with(3, Encoder().bytes(value).take());
    };
    CHECK(name("000b", 34));
    check_refused(name("000c", 34), "claim 3", Code::unsupported);
    check_refused(name("0b00", 34), "claim 3", Code::unsupported);
    check_refused(name("000b", 33), "claim 3");
    check_refused(name("000b", 35), "claim 3", Code::too_large);
}

TEST_CASE("cert.claims: the IMA claim has four items, the last one SHA-256") {
    const auto ima = [](std::uint64_t entries, std::size_t hash, std::size_t pcr,
                        std::uint64_t alg) {
        return with(
            4,
            Encoder().array(4).uint(entries).bytes(Bytes(hash)).bytes(Bytes(pcr)).uint(alg).take());
    };
    CHECK(ima(0xffffffff, 32, 32, 1));
    check_refused(ima(0x100000000, 32, 32, 1), "claim 4 (IMA): entries");
    check_refused(ima(1, 31, 32, 1), "claim 4 (IMA): log hash");
    check_refused(ima(1, 32, 20, 1), "claim 4 (IMA): PCR 10");
    check_refused(ima(1, 32, 32, 0), "claim 4 (IMA): hash algorithm", Code::unsupported);
    check_refused(ima(1, 32, 32, 11), "claim 4 (IMA): hash algorithm", Code::unsupported);
    check_refused(with(4, Encoder().array(3).uint(1).bytes(Bytes(32)).bytes(Bytes(32)).take()),
                  "claim 4");
    check_refused(
        with(4,
             Encoder().array(5).uint(1).bytes(Bytes(32)).bytes(Bytes(32)).uint(1).uint(1).take()),
        "claim 4");
}

TEST_CASE("cert.claims: the beacon is of one of three kinds") {
    const auto beacon = [](std::uint64_t kind, std::size_t size) {
        return with(7, Encoder().array(2).uint(kind).bytes(Bytes(size)).take());
    };
    for (const std::uint64_t kind : {1U, 2U, 3U}) {
        const auto claims = beacon(kind, 32);
        REQUIRE(claims);
        CHECK(static_cast<std::uint64_t>(claims->beacon->kind) == kind);
        CHECK(cert::beacon_kind_name(claims->beacon->kind) != "unknown");
    }
    check_refused(beacon(0, 32), "claim 7", Code::unsupported);
    check_refused(beacon(4, 32), "claim 7", Code::unsupported);
    check_refused(beacon(1, 31), "claim 7");
    check_refused(with(7, hash_value()), "claim 7");
}

TEST_CASE("cert.claims: a binder without a nonce is refused") {
    check_refused(with(8, hash_value()), "claim 8");
    Native native = good_native();
    native[8] = hash_value();
    Bytes whole = Encoder().map(3).text("nonce").bytes(Bytes(32)).take();
    append(whole, ByteView(buffer(encoded(native))).subspan(1));
    CHECK(cert::parse_claims(whole));
}

TEST_CASE("cert.claims: digests have 32 bytes") {
    for (const std::uint64_t claim : {5U, 11U, 15U, 16U}) {
        CAPTURE(claim);
        const std::string part = "claim " + std::to_string(claim) + " (";
        CHECK(with(claim, hash_value()));
        check_refused(with(claim, hash_value(31)), part);
        check_refused(with(claim, hash_value(33)), part, Code::too_large);
        check_refused(with(claim, number(1)), part);
    }
}

TEST_CASE("cert.claims: lists are neither empty nor longer than their bound") {
    for (const std::uint64_t claim : {9U, 17U}) {
        CAPTURE(claim);
        const std::string part = "claim " + std::to_string(claim) + " (";
        check_refused(with(claim, hash_list(0)), part);
        CHECK(with(claim, hash_list(1)));
        CHECK(with(claim, hash_list(16)));
        check_refused(with(claim, hash_list(17)), part);
        check_refused(with(claim, hash_list(1, 31)), part);
        check_refused(with(claim, hash_value()), part);
    }
    const auto names = [](std::uint64_t claim, std::size_t count) {
        Encoder out;
        out.array(count);
        for (std::size_t i = 0; i < count; ++i) {
            out.text("a");
        }
        return with(claim, out.take());
    };
    check_refused(names(10, 0), "claim 10");
    CHECK(names(10, 64));
    check_refused(names(10, 65), "claim 10");
    check_refused(names(12, 0), "claim 12");
    CHECK(names(12, 16));
    check_refused(names(12, 17), "claim 12");
}

TEST_CASE("cert.claims: texts are printable words of bounded length") {
    CHECK(with(10, text_list({"vm.example.org", "192.0.2.1", "2001:db8::1"})));
    CHECK(with(10, text_list({std::string(253, 'a')})));
    check_refused(with(10, text_list({std::string(254, 'a')})), "claim 10");
    check_refused(with(10, text_list({""})), "claim 10");
    for (const char* bad : {"a b", "a\n", "a\x7f", "\xc3\xbc"}) {
        check_refused(with(10, text_list({bad})), "claim 10");
    }
    CHECK(with(12, text_list({"https://acme.example.org/acct/1"})));
    CHECK(with(12, text_list({std::string(512, 'a')})));
    check_refused(with(12, text_list({std::string(513, 'a')})), "claim 12");
    check_refused(with(10, hash_list(1)), "claim 10");
}

TEST_CASE("cert.claims: more bytes than the limit are refused before they are read") {
    check_refused(cert::parse_claims(Bytes(cert::kMaxClaimsBytes + 1)), "8192", Code::too_large);
}
