// The entry of the test programs. A run that a filter leaves without a test is a failure: a renamed
// folder must not look like one whose tests pass.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <iostream>

namespace {

unsigned tests_chosen = 0;

struct Counter : doctest::IReporter {
    explicit Counter(const doctest::ContextOptions& /*options*/) {}
    void report_query(const doctest::QueryData& /*in*/) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats& in) override {
        tests_chosen = in.numTestCasesPassingFilters;
    }
    void test_case_start(const doctest::TestCaseData& /*in*/) override {}
    void test_case_reenter(const doctest::TestCaseData& /*in*/) override {}
    void test_case_end(const doctest::CurrentTestCaseStats& /*in*/) override {}
    void test_case_exception(const doctest::TestCaseException& /*in*/) override {}
    void subcase_start(const doctest::SubcaseSignature& /*in*/) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData& /*in*/) override {}
    void log_message(const doctest::MessageData& /*in*/) override {}
    void test_case_skipped(const doctest::TestCaseData& /*in*/) override {}
};
DOCTEST_REGISTER_LISTENER("counter", 1, Counter);

}  // namespace

int main(int argc, char** argv) {
    doctest::Context context(argc, argv);
    const int status = context.run();
    if (context.shouldExit()) {  // --help, --list-test-cases
        return status;
    }
    if (tests_chosen == 0) {
        std::cerr << "no test fits the filter\n";
        return 1;
    }
    return status;
}
