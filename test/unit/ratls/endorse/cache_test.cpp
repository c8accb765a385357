#include "ratls/endorse/cache.h"

#include "test/fake/fake_files.h"
#include "test/unit/ratls/endorse/documents.h"

using namespace ratls;
using namespace ratls::endorse;
using namespace ratls::test;

TEST_CASE("endorse.cache: the keys are the folders of the vendors") {
    FakeFiles files;
    CHECK(list_keys(files, "/cache") == std::vector<std::string>{});
    files.put("/cache/intel/tdx/00806f050000-platform/tcb_info.json", tcb_info().bytes());
    files.put("/cache/amd/Turin/b/crl.der", "");
    files.put_directory("/cache/amd/Genoa/a");
    files.put_directory("/cache/amd/Milan");
    files.put("/cache/amd/file", "");
    files.put("/cache/other/x/y/crl.der", "");
    CHECK(
        list_keys(files, "/cache") ==
        std::vector<std::string>{"amd/Genoa/a", "amd/Turin/b", "intel/tdx/00806f050000-platform"});
}

TEST_CASE("endorse.cache: a set is read with its dates, what is damaged is named") {
    FakeFiles files;
    files.put("/set/crl.der", collateral("root.crl.der"));
    files.put("/set/tcb_info.json", "{}");
    files.put("/set/crl.der.aB3dEf", "what an interrupted write left");
    const auto set = read_set(files, "/set");
    REQUIRE(set);
    REQUIRE(set->size() == 2);
    CHECK((*set)[0].name == "crl.der");
    REQUIRE((*set)[0].description);
    CHECK((*set)[0].description->kind == Kind::crl);
    CHECK((*set)[1].name == "tcb_info.json");
    CHECK(code_of((*set)[1].description) == Code::malformed);
    CHECK(code_of(read_set(files, "/none")) == Code::unavailable);
}

TEST_CASE("endorse.cache: an exported set has the same bytes") {
    FakeFiles files;
    files.put("/set/crl.der", collateral("root.crl.der"));
    files.put("/set/tcb_info.json", tcb_info().bytes());
    const auto set = read_set(files, "/set");
    REQUIRE(set);
    REQUIRE(export_set(files, *set, "/stick/new/folder"));
    CHECK(files.list("/stick/new/folder") == std::vector<std::string>{"crl.der", "tcb_info.json"});
    CHECK(files.read("/stick/new/folder/tcb_info.json", kMaxDocument) == tcb_info().bytes());
    files.break_path("/stick/crl.der", Code::denied);
    CHECK(code_of(export_set(files, *set, "/stick")) == Code::denied);
}
