// For scripts/mutants: which rule is broken in this run of the test program.
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "verify/finding.h"

namespace ratls::verify {

bool is_mutant(std::string_view rule) {
    static const std::string_view name = [] {
        const char* value = std::getenv("RATLS_MUTANT");
        const std::string_view wanted = value == nullptr ? "" : value;
        if (!wanted.empty() && find_rule(wanted) == nullptr) {
            std::cerr << "RATLS_MUTANT: no rule has this name\n";
            std::_Exit(99);
        }
        return wanted;
    }();
    return rule == name;
}

}  // namespace ratls::verify
