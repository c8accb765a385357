// What any Process does. It has /bin/true, /bin/false, /bin/cat, and no /no/such/program.
#pragma once

#include "ratls/platform/process.h"
#include "test/unit/ratls/platform/files_contract.h"

namespace ratls::test {

inline void check_process_contract(Process& process) {
    SUBCASE("the exit status is a result, whatever it is") {
        const auto yes = process.run({.argv = {"/bin/true"}});
        REQUIRE(yes);
        CHECK(yes->exit_status == 0);
        CHECK(yes->output.empty());
        const auto no = process.run({.argv = {"/bin/false"}});
        REQUIRE(no);
        CHECK(no->exit_status == 1);
    }
    SUBCASE("the input goes in, and the output comes out, byte by byte") {
        Bytes input(200'000);
        for (std::size_t i = 0; i < input.size(); ++i) {
            input[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
        }
        const auto echo = process.run({.argv = {"/bin/cat"}, .input = input});
        REQUIRE(echo);
        CHECK(echo->output == input);
        CHECK(echo->errors.empty());
    }
    SUBCASE("output of exactly the limit is given, one byte more is too large") {
        const Bytes input(1000, 'x');
        const auto fits = process.run({.argv = {"/bin/cat"}, .input = input, .max_output = 1000});
        REQUIRE(fits);
        CHECK(fits->output == input);
        CHECK(code_of(process.run({.argv = {"/bin/cat"}, .input = input, .max_output = 999})) ==
              Code::too_large);
    }
    SUBCASE("a program that is not there is unavailable") {
        CHECK(code_of(process.run({.argv = {"/no/such/program"}})) == Code::unavailable);
    }
    SUBCASE("no program, or one without its path, is wrong use") {
        CHECK(code_of(process.run({})) == Code::usage);
        CHECK(code_of(process.run({.argv = {"true"}})) == Code::usage);
    }
}

}  // namespace ratls::test
