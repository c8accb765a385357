#include "ratls/cert/collection.h"

#include "ratls/base/writer.h"
#include "ratls/cert/deflate.h"
#include "ratls/codec/cbor.h"
#include "test/unit/ratls/cert/vectors.h"

using namespace ratls;
using cbor::Encoder;

namespace {

constexpr std::string_view kPrefix = "application/vnd.ratls-vm.";

Bytes record(std::string_view media, ByteView content, std::uint64_t indicator = 4) {
    return Encoder()
        .array(3)
        .text(std::string(kPrefix) + std::string(media))
        .bytes(content)
        .uint(indicator)
        .take();
}

/// The collection by label, each value encoded, so that each can be wrong.
using Labels = std::map<std::uint64_t, Bytes>;

Labels good_labels() {
    return {{1, record("claims+cbor", Bytes{0xa0})}};
}

Bytes encoded(const Labels& labels, std::string_view type = cert::kCollectionType) {
    Bytes out = Encoder().map(labels.size() + 1).take();
    for (const auto& [label, value] : labels) {
        append(out, Encoder().uint(label).view());
        append(out, value);
    }
    append(out, Encoder().text("__cmwc_t").text(type).view());
    return out;
}

/// `good_labels` with one label replaced or added.
Result<cert::Collection> with(std::uint64_t label, Bytes value) {
    Labels labels = good_labels();
    labels[label] = std::move(value);
    return cert::parse_collection(encoded(labels));
}

void check_refused(const Result<cert::Collection>& collection, std::string_view part,
                   Code code = Code::malformed) {
    REQUIRE_FALSE(collection);
    CHECK_MESSAGE(collection.error().where.starts_with("cert.collection"),
                  collection.error().text());
    CHECK_MESSAGE(collection.error().text().find(part) != std::string::npos,
                  collection.error().text());
    CHECK_MESSAGE(collection.error().code == code, collection.error().text());
}

bool fails(const Result<Bytes>& bytes, Code code) {
    return !bytes && bytes.error().code == code;
}

Bytes tdx_quote(std::uint16_t version, std::size_t signature) {
    Writer out;
    out.u16_le(version).zeros(46);
    if (version == 5) {
        out.u16_le(3).u32_le(648).zeros(648);
    } else {
        out.zeros(584);
    }
    return out.u32_le(static_cast<std::uint32_t>(signature)).zeros(signature).take();
}

/// Label 3 with sizes of choice.
struct Tpm {
    std::size_t attest = 1;
    std::size_t signature = 1;
    std::size_t ak_public = 1;
    std::size_t pcrs = 16;
    std::size_t pcr_bytes = 32;
    std::vector<std::size_t> certificates = {};
    bool with_certificates = false;

    Bytes encode() const {
        Encoder out;
        out.array(with_certificates ? 5 : 4).bytes(Bytes(attest)).bytes(Bytes(signature));
        out.bytes(Bytes(ak_public)).array(pcrs);
        for (std::size_t i = 0; i < pcrs; ++i) {
            out.bytes(Bytes(pcr_bytes));
        }
        if (with_certificates) {
            out.array(certificates.size());
            for (const std::size_t size : certificates) {
                out.bytes(Bytes(size));
            }
        }
        return out.take();
    }
};

Result<cert::Collection> with_tpm(const Tpm& tpm) {
    return with(3, record("tpm-quote+cbor", tpm.encode()));
}

Result<cert::Collection> with_documents(ByteView map) {
    return with(6, record("endorsements+cbor", map, 2));
}

}  // namespace

TEST_CASE("cert.collection: the known answers, written and read byte for byte") {
    int cases = 0;
    test::each(test::known_answers("collection.json"), "cases", [&](const Json& item) {
        CAPTURE(*item.find("name")->if_string());
        const cert::Collection collection = test::collection_of(*item.find("fields"));
        const Bytes wanted = test::hex_of(item, "collection");
        const auto parsed = cert::parse_collection(wanted);
        REQUIRE(parsed);
        CHECK(*parsed == collection);
        // Which deflate stream a document becomes is free; none of the others shrinks.
        if (item.find("fields")->find("stored") == nullptr) {
            CHECK(hex(cert::encode_collection(collection)) == hex(wanted));
        }
        ++cases;
    });
    CHECK(cases == 4);
}

TEST_CASE("cert.collection: every truncation and every trailing byte is refused") {
    test::each(test::known_answers("collection.json"), "cases", [&](const Json& item) {
        Bytes good = test::hex_of(item, "collection");
        for (std::size_t n = 0; n < good.size(); ++n) {
            const auto collection = cert::parse_collection(ByteView(good).first(n));
            REQUIRE_FALSE(collection);
            CHECK(collection.error().where.starts_with("cert.collection"));
        }
        good.push_back(0);
        CHECK_FALSE(cert::parse_collection(good));
    });
}

TEST_CASE("cert.collection: the type is there and is that of the profile") {
    REQUIRE(cert::parse_collection(encoded(good_labels())));
    check_refused(cert::parse_collection(encoded(good_labels(), "tag:ratls-vm,2026:cert/2")),
                  "__cmwc_t", Code::unsupported);
    check_refused(cert::parse_collection(encoded(good_labels(), "")), "__cmwc_t",
                  Code::unsupported);
    const Bytes claims = record("claims+cbor", Bytes{0xa0});
    Bytes without = Encoder().map(1).uint(1).take();
    append(without, claims);
    check_refused(cert::parse_collection(without), "__cmwc_t", Code::unsupported);
    Bytes as_bytes_string = Encoder().map(2).uint(1).take();
    append(as_bytes_string, claims);
    append(as_bytes_string,
           Encoder().text("__cmwc_t").bytes(as_bytes(cert::kCollectionType)).view());
    check_refused(cert::parse_collection(as_bytes_string), "__cmwc_t", Code::unsupported);
    Bytes two_texts = Encoder().map(3).uint(1).take();
    append(two_texts, claims);
    append(two_texts, Encoder().text("__cmwc_t").text(cert::kCollectionType).view());
    append(two_texts, Encoder().text("__cmwc_u").uint(1).view());
    check_refused(cert::parse_collection(two_texts), "__cmwc_u", Code::unsupported);
}

TEST_CASE("cert.collection: CBOR that is not deterministic is refused") {
    const Bytes claims = record("claims+cbor", Bytes{0xa0});
    const Bytes type = Encoder().text("__cmwc_t").text(cert::kCollectionType).take();
    const auto pieces = [](std::initializer_list<ByteView> list) {
        Bytes out;
        for (const ByteView piece : list) {
            append(out, piece);
        }
        return cert::parse_collection(out);
    };
    const Bytes two = {0xa2};
    const Bytes label1 = {0x01};
    REQUIRE(pieces({two, label1, claims, type}));
    check_refused(pieces({two, type, label1, claims}), "not sorted");
    check_refused(pieces({two, label1, claims, label1, claims}), "not sorted, or twice");
    const Bytes long_label = {0x18, 0x01};
    check_refused(pieces({two, long_label, claims, type}), "shortest form");
    const Bytes open_map = {0xbf};
    const Bytes end = {0xff};
    check_refused(pieces({open_map, label1, claims, type, end}), "indefinite");
    const Bytes long_map = {0xb8, 0x02};
    check_refused(pieces({long_map, label1, claims, type}), "shortest form");
    check_refused(cert::parse_collection(Encoder().uint(0).take()), "labels");
}

TEST_CASE("cert.collection: unknown labels are refused below 64 and ignored from 64 on") {
    for (const std::uint64_t label : {0U, 9U, 63U}) {
        check_refused(with(label, record("claims+cbor", Bytes(1))),
                      "unknown key " + std::to_string(label), Code::unsupported);
    }
    const cert::Collection plain = cert::parse_collection(encoded(good_labels())).value();
    for (const std::uint64_t label : {std::uint64_t{64}, std::uint64_t{65}, UINT64_MAX}) {
        const auto collection = with(label, Encoder().array(1).text("anything").take());
        REQUIRE(collection);
        CHECK(*collection == plain);
    }
}

TEST_CASE("cert.collection: the claims are required, and their size is bounded") {
    check_refused(cert::parse_collection(encoded({})), "label 1");
    CHECK(with(1, record("claims+cbor", Bytes(cert::kMaxClaimsBytes))));
    check_refused(with(1, record("claims+cbor", Bytes(cert::kMaxClaimsBytes + 1))), "label 1",
                  Code::too_large);
    check_refused(with(1, record("claims+cbor", {})), "label 1");
}

TEST_CASE("cert.collection: each label has its media type, its indicator and three items") {
    const Bytes snp(cert::kSnpReportBytes);
    const Bytes hash = Encoder().array(2).uint(1).bytes(Bytes(32)).take();
    struct Row {
        std::uint64_t label;
        std::string_view media;
        Bytes content;
        std::uint64_t indicator;
    };
    const Row rows[] = {
        {1, "claims+cbor", Bytes(1), 4},
        {2, "sev-snp-report", snp, 4},
        {2, "tdx-quote", tdx_quote(4, 100), 4},
        {3, "tpm-quote+cbor", Tpm{}.encode(), 4},
        {4, "ima+cbor", hash, 4},
        {5, "eventlog+cbor", hash, 4},
        {6, "endorsements+cbor", Bytes{0xa0}, 2},
        {7, "nvgpu-evidence+cbor", Bytes{0xa0}, 4},
        {8, "hcl-report", Bytes(1), 4},
    };
    for (const Row& row : rows) {
        CAPTURE(row.media);
        const std::string part = "label " + std::to_string(row.label) + " (";
        CHECK(with(row.label, record(row.media, row.content, row.indicator)));
        const std::uint64_t other = row.indicator == 4 ? 2 : 4;
        check_refused(with(row.label, record(row.media, row.content, other)), part);
        check_refused(with(row.label, record(row.media, row.content, 6)), part);
        check_refused(with(row.label, record(row.media, row.content, 0)), part);
        const std::string longer = std::string(row.media) + "x";
        check_refused(with(row.label, record(longer, row.content, row.indicator)), part,
                      Code::unsupported);
        const Row& next = rows[(&row - rows + 2) % std::ssize(rows)];
        check_refused(with(row.label, record(next.media, row.content, row.indicator)), part,
                      Code::unsupported);
        const std::string media = std::string(kPrefix) + std::string(row.media);
        check_refused(with(row.label, Encoder().array(2).text(media).bytes(row.content).take()),
                      part);
        check_refused(with(row.label, Encoder()
                                          .array(4)
                                          .text(media)
                                          .bytes(row.content)
                                          .uint(row.indicator)
                                          .uint(0)
                                          .take()),
                      part);
        const bool is_tee = row.label == 2;
        check_refused(with(row.label, Encoder()
                                          .array(3)
                                          .bytes(as_bytes(media))
                                          .bytes(row.content)
                                          .uint(row.indicator)
                                          .take()),
                      part, Code::unsupported);
        check_refused(with(row.label, Encoder().bytes(row.content).take()), part,
                      is_tee ? Code::unsupported : Code::malformed);
        check_refused(with(row.label, record(row.media, {}, row.indicator)), part);
    }
}

TEST_CASE("cert.collection: nested CBOR obeys the same rules") {
    const Bytes hash = Encoder().array(2).uint(1).bytes(Bytes(32)).take();
    const std::tuple<std::uint64_t, std::string_view, Bytes, std::uint64_t> rows[] = {
        {3, "tpm-quote+cbor", Tpm{}.encode(), 4},
        {4, "ima+cbor", hash, 4},
        {5, "eventlog+cbor", hash, 4},
        {6, "endorsements+cbor", Encoder().map(1).uint(1).bytes(Bytes(9)).take(), 2},
        {7, "nvgpu-evidence+cbor", Encoder().array(1).uint(7).take(), 4},
    };
    for (const auto& [label, media, good, indicator] : rows) {
        CAPTURE(media);
        const std::string part = "label " + std::to_string(label) + " (";
        CHECK(with(label, record(media, good, indicator)));
        for (std::size_t n = 0; n < good.size(); ++n) {
            check_refused(with(label, record(media, ByteView(good).first(n), indicator)), part);
        }
        Bytes longer = good;
        longer.push_back(0);
        check_refused(with(label, record(media, longer, indicator)), part);
        Bytes open = good;
        open[0] = static_cast<std::uint8_t>(open[0] | 0x1f);
        open.push_back(0xff);
        check_refused(with(label, record(media, open, indicator)), "indefinite");
    }
}

TEST_CASE("cert.collection: an SNP report has 1184 bytes") {
    CHECK(with(2, record("sev-snp-report", Bytes(1184)))->tee->type == cert::TeeType::sev_snp);
    check_refused(with(2, record("sev-snp-report", Bytes(1183))), "label 2");
    check_refused(with(2, record("sev-snp-report", Bytes(1185))), "label 2", Code::too_large);
}

TEST_CASE("cert.collection: a TDX quote has the size that it says, without padding") {
    for (const std::uint16_t version : {std::uint16_t{4}, std::uint16_t{5}}) {
        Bytes quote = tdx_quote(version, 4000);
        const auto collection = with(2, record("tdx-quote", quote));
        REQUIRE(collection);
        CHECK(collection->tee->type == cert::TeeType::tdx);
        CHECK(collection->tee->evidence == quote);
        quote.push_back(0);
        check_refused(with(2, record("tdx-quote", quote)), "without padding");
        quote.resize(quote.size() - 2);
        check_refused(with(2, record("tdx-quote", quote)), "without padding");
    }
    check_refused(with(2, record("tdx-quote", tdx_quote(3, 100))), "without padding");
    check_refused(with(2, record("tdx-quote", Bytes(47, 4))), "without padding");
    const std::size_t rest = tdx_quote(4, 0).size();
    CHECK(with(2, record("tdx-quote", tdx_quote(4, 32768 - rest))));
    check_refused(with(2, record("tdx-quote", tdx_quote(4, 32769 - rest))), "label 2",
                  Code::too_large);
}

TEST_CASE("cert.collection: the TPM quote has its parts within their sizes, and sixteen PCRs") {
    CHECK(with_tpm({.attest = 1024, .signature = 1024, .ak_public = 1024}));
    check_refused(with_tpm({.attest = 1025}), "attest", Code::too_large);
    check_refused(with_tpm({.signature = 1025}), "signature", Code::too_large);
    check_refused(with_tpm({.ak_public = 1025}), "ak-public", Code::too_large);
    check_refused(with_tpm({.attest = 0}), "attest");
    check_refused(with_tpm({.signature = 0}), "signature");
    check_refused(with_tpm({.ak_public = 0}), "ak-public");
    check_refused(with_tpm({.pcrs = 15}), "pcr-values");
    check_refused(with_tpm({.pcrs = 17}), "pcr-values");
    check_refused(with_tpm({.pcr_bytes = 20}), "pcr-values");
    check_refused(with_tpm({.pcr_bytes = 48}), "pcr-values", Code::too_large);
    const auto chain = [](std::vector<std::size_t> sizes) {
        return with_tpm({.certificates = std::move(sizes), .with_certificates = true});
    };
    check_refused(chain({}), "ak-certificates");
    CHECK(chain({4096, 1, 1, 1})->tpm->ak_certificates.size() == 4);
    check_refused(chain({1, 1, 1, 1, 1}), "ak-certificates");
    check_refused(chain({4097}), "ak-certificate", Code::too_large);
    check_refused(chain({0}), "ak-certificate");
    check_refused(with(3, record("tpm-quote+cbor", Encoder().uint(1).take())), "quote");
}

TEST_CASE("cert.collection: IMA counts entries in 32 bits") {
    const auto ima = [](std::uint64_t entries, std::size_t size) {
        return with(4,
                    record("ima+cbor", Encoder().array(2).uint(entries).bytes(Bytes(size)).take()));
    };
    CHECK(ima(0xffffffff, 32)->ima->entries == 0xffffffff);
    check_refused(ima(0x100000000, 32), "entries");
    check_refused(ima(1, 31), "log hash");
    const Bytes three = Encoder().array(3).uint(1).bytes(Bytes(32)).uint(0).take();
    check_refused(with(4, record("ima+cbor", three)), "label 4");
}

TEST_CASE("cert.collection: the event log is of a known kind and matches its hash") {
    const auto log = [](std::uint64_t kind) {
        return with(5,
                    record("eventlog+cbor", Encoder().array(2).uint(kind).bytes(Bytes(32)).take()));
    };
    CHECK(log(1)->eventlog->kind == cert::EventLogKind::tpm);
    CHECK(log(2)->eventlog->kind == cert::EventLogKind::ccel);
    check_refused(log(0), "kind", Code::unsupported);
    check_refused(log(3), "kind", Code::unsupported);
    const Bytes four = Encoder().array(4).uint(1).bytes(Bytes(32)).bytes(Bytes(1)).uint(0).take();
    check_refused(with(5, record("eventlog+cbor", four)), "label 5");

    const Bytes content(5000, 0x5a);
    const auto whole = cert::make_event_log(cert::EventLogKind::ccel, content, true);
    CHECK(whole.deflated->size() < 100);
    CHECK(cert::event_log(whole).value() == content);
    const auto hash_only = cert::make_event_log(cert::EventLogKind::tpm, content, false);
    CHECK(hash_only.sha256 == sha256(content));
    CHECK(fails(cert::event_log(hash_only), Code::unavailable));
    auto other = whole;
    other.sha256[0] ^= 1;
    CHECK(fails(cert::event_log(other), Code::mismatch));
    const Bytes limit(std::size_t{1} << 20);
    CHECK(cert::event_log(cert::make_event_log(cert::EventLogKind::tpm, limit, true)));
    const Bytes above((std::size_t{1} << 20) + 1);
    const auto too_long = cert::make_event_log(cert::EventLogKind::tpm, above, true);
    CHECK(fails(cert::event_log(too_long), Code::too_large));
}

TEST_CASE("cert.collection: documents of label 6 are plain or deflated, and of known keys") {
    const auto plain = [](std::uint64_t key) {
        return with_documents(Encoder().map(1).uint(key).bytes(Bytes(3, 7)).take());
    };
    for (const std::uint64_t key : {1U, 2U, 3U, 10U, 11U, 12U, 13U, 14U}) {
        const auto collection = plain(key);
        REQUIRE(collection);
        REQUIRE(collection->endorsements->find(key) != nullptr);
        CHECK(*collection->endorsements->find(key) == Bytes(3, 7));
    }
    for (const std::uint64_t key : {0U, 4U, 9U, 15U, 63U}) {
        check_refused(plain(key), "unknown key " + std::to_string(key), Code::unsupported);
    }
    CHECK(plain(64)->endorsements->documents.empty());
    check_refused(with_documents(Encoder().map(1).text("1").bytes(Bytes(3)).take()),
                  "unknown key \"1\"", Code::unsupported);
    check_refused(with_documents(Encoder().array(1).bytes(Bytes(3)).take()), "documents");

    const auto coded = [](std::uint64_t encoding, ByteView bytes) {
        return with_documents(
            Encoder().map(1).uint(10).array(2).uint(encoding).bytes(bytes).take());
    };
    const Bytes text(1000, 'x');
    CHECK(*coded(1, cert::deflate(text))->endorsements->find(10) == text);
    check_refused(coded(0, cert::deflate(text)), "encoding", Code::unsupported);
    check_refused(coded(2, cert::deflate(text)), "encoding", Code::unsupported);
    check_refused(coded(1, text), "deflate");
    check_refused(coded(1, cert::deflate({})), "empty");
    check_refused(coded(1, {}), "document");
    check_refused(with_documents(Encoder().map(1).uint(10).bytes({}).take()), "document");
    check_refused(with_documents(Encoder().map(1).uint(10).uint(1).take()), "document");
    const Bytes three =
        Encoder().map(1).uint(10).array(3).uint(1).bytes(cert::deflate(text)).uint(0).take();
    check_refused(with_documents(three), "document");
}

TEST_CASE("cert.collection: a deflated document cannot grow beyond its limit, nor can all") {
    constexpr std::size_t kOne = std::size_t{256} << 10;
    const auto sizes = [](std::initializer_list<std::size_t> list) {
        Encoder out;
        out.map(list.size());
        std::uint64_t key = 10;
        for (const std::size_t size : list) {
            out.uint(key++).array(2).uint(1).bytes(cert::deflate(Bytes(size)));
        }
        return with_documents(out.view());
    };
    CHECK(sizes({kOne}));
    check_refused(sizes({kOne + 1}), "deflate", Code::too_large);
    CHECK(sizes({kOne, kOne - 1, 1}));
    check_refused(sizes({kOne, kOne - 1, 2}), "deflate", Code::too_large);
    check_refused(sizes({kOne, kOne, 1}), "deflate", Code::too_large);
}

TEST_CASE("cert.collection: documents are deflated where that makes them smaller") {
    cert::Collection collection{.claims_buffer = Bytes(1)};
    collection.endorsements.emplace();
    collection.endorsements->documents[cert::endorsement::kTcbInfo] = Bytes(4000, 'x');
    collection.endorsements->documents[2] = Bytes{1, 2, 3};
    const Bytes small = cert::encode_collection(collection);
    CHECK(small.size() < 300);
    CHECK(cert::parse_collection(small).value() == collection);
}

TEST_CASE("cert.collection: more bytes than the limit are refused before they are read") {
    check_refused(cert::parse_collection(Bytes(cert::kMaxCollectionBytes + 1)), "262144",
                  Code::too_large);
}

TEST_CASE("cert.collection: labels and claims are there together or not at all") {
    const Sha256Digest hash{};
    const cert::Collection nothing;
    const cert::Claims no_claims;
    REQUIRE(cert::check_presence(nothing, no_claims));

    cert::Collection tpm;
    tpm.tpm.emplace();
    cert::Claims ak;
    ak.ak_name = Bytes(34);
    cert::Collection ima;
    ima.ima.emplace();
    cert::Claims ima_claim;
    ima_claim.ima.emplace();
    cert::Collection log;
    log.eventlog.emplace();
    cert::Claims log_claim;
    log_claim.eventlog_sha256 = hash;
    cert::Collection gpu;
    gpu.nvgpu = Bytes(1);
    cert::Claims gpu_claim;
    gpu_claim.gpu_certificates = {hash};

    const std::tuple<const cert::Collection&, const cert::Claims&, const char*, const char*>
        rows[] = {{tpm, ak, "label 3", "claim 3"},
                  {ima, ima_claim, "label 4", "claim 4"},
                  {log, log_claim, "label 5", "claim 5"},
                  {gpu, gpu_claim, "label 7", "claim 17"}};
    for (const auto& [collection, claims, label, claim] : rows) {
        CAPTURE(claim);
        CHECK(cert::check_presence(collection, claims));
        const Status only_label = cert::check_presence(collection, no_claims);
        REQUIRE_FALSE(only_label);
        CHECK(only_label.error().code == Code::mismatch);
        CHECK(only_label.error().what.starts_with(label));
        const Status only_claim = cert::check_presence(nothing, claims);
        REQUIRE_FALSE(only_claim);
        CHECK(only_claim.error().what.starts_with(claim));
    }
}

TEST_CASE("cert.collection: the beacon is the document of its kind in label 6") {
    const Bytes document = {1, 2, 3};
    const std::pair<cert::BeaconKind, std::uint64_t> rows[] = {
        {cert::BeaconKind::pck_crl, cert::endorsement::kPckCrl},
        {cert::BeaconKind::amd_crl, cert::endorsement::kAmdCrl},
        {cert::BeaconKind::tcb_info, cert::endorsement::kTcbInfo}};
    for (const auto& [kind, key] : rows) {
        const cert::Beacon beacon{kind, sha256(document)};
        cert::Collection collection;
        CHECK(fails(cert::beacon_document(collection, beacon), Code::malformed));
        collection.endorsements.emplace();
        collection.endorsements->documents[key] = document;
        CHECK(cert::beacon_document(collection, beacon).value() == document);
        CHECK(fails(cert::beacon_document(collection, {kind, Sha256Digest{}}), Code::mismatch));
        collection.endorsements->documents.clear();
        collection.endorsements->documents[cert::endorsement::kVek] = document;
        CHECK_FALSE(cert::beacon_document(collection, beacon));
    }
}
