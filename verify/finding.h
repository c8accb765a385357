// What each rule found. Every rule reports, whichever way it goes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ratls::verify {

enum class Verdict {
    pass,
    fail,
    waived,  ///< would have failed, but the policy waives it by name
};

std::string_view verdict_name(Verdict verdict);

/// What a failure of a rule means for the whole.
enum class Weight {
    sound,   ///< the evidence is not what it claims to be: invalid
    needed,  ///< something without which nothing can be said was not given: unavailable
    policy,  ///< sound evidence that policy or reference values do not want: refused
};

/// One rule of the verdict. The table is the reference: a finding for a rule that is not in it is
/// a fault of ours, and docs/rules.md is made from it.
struct Rule {
    std::string_view name;  ///< stable, dotted
    Weight weight;
    int profile;            ///< number of the rule in docs/certificate.md, "Rules of the verdict"
    std::string_view text;  ///< what must hold, for `ratls explain`
};

const std::vector<Rule>& all_rules();
/// Null if there is no such rule.
const Rule* find_rule(std::string_view name);

struct Finding {
    std::string rule;
    Verdict verdict = Verdict::fail;
    std::string expected;
    std::string actual;
};

class Findings {
  public:
    /// The rule must be in the table.
    void add(Finding finding);
    /// Short form: pass if `holds`.
    void check(std::string_view rule, bool holds, std::string expected, std::string actual);
    /// A feature that is off, unless the policy allows it by the member `allow_name`.
    void check_off(std::string_view rule, bool set, bool allowed, std::string_view allow_name);
    void pass(std::string_view rule, std::string actual) {
        check(rule, true, "", std::move(actual));
    }
    void fail(std::string_view rule, std::string expected, std::string actual) {
        check(rule, false, std::move(expected), std::move(actual));
    }

    const std::vector<Finding>& all() const { return all_; }
    /// A rule of this weight failed.
    bool failed(Weight weight) const;
    bool has(std::string_view rule, Verdict verdict) const;
    /// Takes all findings of another list, at the end.
    void append(Findings&& more);

  private:
    std::vector<Finding> all_;
};

}  // namespace ratls::verify
