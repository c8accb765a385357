#include "verify/finding.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ratls::verify {

std::string_view verdict_name(Verdict verdict) {
    switch (verdict) {
        case Verdict::pass:
            return "pass";
        case Verdict::fail:
            return "fail";
        case Verdict::waived:
            return "waived";
    }
    return "fail";
}

const Rule* find_rule(std::string_view name) {
    const auto found = std::ranges::find(all_rules(), name, &Rule::name);
    return found == all_rules().end() ? nullptr : &*found;
}

void Findings::add(Finding finding) {
    assert(find_rule(finding.rule) != nullptr);
    all_.push_back(std::move(finding));
}

void Findings::check(std::string_view rule, bool holds, std::string expected, std::string actual) {
    add({std::string(rule), holds ? Verdict::pass : Verdict::fail, std::move(expected),
         std::move(actual)});
}

void Findings::check_off(std::string_view rule, bool set, bool allowed,
                         std::string_view allow_name) {
    check(rule, !set || allowed, allowed ? "any (" + std::string(allow_name) + ")" : "off",
          set ? "on" : "off");
}

bool Findings::failed(Weight weight) const {
    return std::ranges::any_of(all_, [&](const Finding& finding) {
        const Rule* rule = find_rule(finding.rule);
        // A rule that is not in the table weighs most.
        return finding.verdict == Verdict::fail &&
               (rule == nullptr ? Weight::sound : rule->weight) == weight;
    });
}

bool Findings::has(std::string_view rule, Verdict verdict) const {
    return std::ranges::any_of(all_, [&](const Finding& finding) {
        return finding.rule == rule && finding.verdict == verdict;
    });
}

void Findings::append(const Findings& more) {
    all_.insert(all_.end(), more.all_.begin(), more.all_.end());
}

}  // namespace ratls::verify
