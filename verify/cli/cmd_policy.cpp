#include <ostream>

#include "ratls/base/text.h"
#include "verify/appraise/policy.h"
#include "verify/cli/options.h"
#include "verify/finding.h"

namespace ratls::cli {

int cmd_policy_show(const std::string& name, Io& io) {
    const auto policy = verify::named_policy(name);
    if (!policy) {
        return report(io, policy.error(), "for a file use `ratls policy check FILE`");
    }
    io.out << verify::policy_json(*policy).pretty();
    return 0;
}

int cmd_policy_check(const std::string& path, Io& io) {
    const auto content = read_option(io, "FILE", path, kMaxSmallFile);
    if (!content) {
        return report(io, content.error());
    }
    const auto policy = verify::parse_policy(as_text(*content));
    if (!policy) {
        return report(io, policy.error(), "docs/policy.md lists all members; `ratls policy show`");
    }
    print_lines(io, "note", policy->notes);
    io.out << verify::policy_json(*policy).pretty();
    return 0;
}

int cmd_explain(const std::string& name, Io& io) {
    if (name.empty()) {
        for (const verify::Rule& rule : verify::all_rules()) {
            io.out << rule.name << "\n";
        }
        return 0;
    }
    const verify::Rule* rule = verify::find_rule(name);
    if (rule == nullptr) {
        return report(io, {Code::usage, "rule", "there is no rule " + ratls::quoted(name)},
                      "`ratls explain` without a name lists all rules");
    }
    const char* consequence = rule->weight == verify::Weight::sound    ? "invalid (exit 2)"
                              : rule->weight == verify::Weight::needed ? "unavailable (exit 4)"
                                                                       : "refused (exit 3)";
    io.out << rule->name << "\n  " << rule->text << ".\n  If it fails, the verdict is "
           << consequence << ". Rule " << rule->profile << " of docs/certificate.md.\n";
    return 0;
}

}  // namespace ratls::cli
