#include "verify/finding.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <unordered_map>
#include <utility>

namespace ratls::verify {

#ifdef RATLS_MUTANTS  // the copy in a test program, never the library: see scripts/mutants
bool is_mutant(std::string_view rule);
#endif

constexpr std::size_t kUsual = 32;  // findings about one piece of evidence

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
    static const auto by_name = [] {
        std::unordered_map<std::string_view, const Rule*> out;
        for (const Rule& rule : all_rules()) {
            out.emplace(rule.name, &rule);
        }
        return out;
    }();
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : found->second;
}

void Findings::add(Finding finding) {
    assert(find_rule(finding.rule) != nullptr);
    if (all_.empty()) {
        all_.reserve(kUsual);
    }
#ifdef RATLS_MUTANTS
    if (finding.verdict == Verdict::fail && is_mutant(finding.rule)) {
        finding.verdict = Verdict::pass;
    }
#endif
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
        if (finding.verdict != Verdict::fail) {
            return false;
        }
        const Rule* rule = find_rule(finding.rule);
        // A rule that is not in the table weighs most.
        return (rule == nullptr ? Weight::sound : rule->weight) == weight;
    });
}

bool Findings::has(std::string_view rule, Verdict verdict) const {
    return std::ranges::any_of(all_, [&](const Finding& finding) {
        return finding.rule == rule && finding.verdict == verdict;
    });
}

void Findings::append(Findings&& more) {
    if (all_.empty()) {
        all_ = std::move(more.all_);
    } else {
        std::ranges::move(more.all_, std::back_inserter(all_));
    }
}

}  // namespace ratls::verify
