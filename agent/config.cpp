#include <toml++/toml.h>

#include <set>

#include "agent/agent.h"
#include "ratls/base/text.h"

namespace ratls::agent {
namespace {

/// Reads members of a table and refuses those that nobody asked for.
class Table {
  public:
    Table(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {}

    void text(std::string_view key, std::string& out) {
        if (const toml::node* node = find(key)) {
            const auto value = node->value_exact<std::string>();
            value ? void(out = *value) : refuse(key, "a text wanted");
        }
    }
    template <typename T>
    void number(std::string_view key, T& out, std::int64_t least, std::int64_t most) {
        if (const toml::node* node = find(key)) {
            const auto value = node->value_exact<std::int64_t>();
            if (value && *value >= least && *value <= most) {
                out = static_cast<T>(*value);
            } else {
                refuse(key, "a number from " + std::to_string(least) + " to " +
                                std::to_string(most) + " wanted");
            }
        }
    }
    void texts(std::string_view key, std::vector<std::string>& out) {
        const toml::node* node = find(key);
        if (node == nullptr) {
            return;
        }
        if (const toml::array* list = node->as_array()) {
            for (const toml::node& item : *list) {
                const auto value = item.value_exact<std::string>();
                value ? out.push_back(*value) : refuse(key, "a list of texts wanted");
            }
        } else {
            refuse(key, "a list of texts wanted");
        }
    }
    const toml::table* table(std::string_view key) {
        const toml::node* node = find(key);
        if (node != nullptr && node->as_table() == nullptr) {
            refuse(key, "a table wanted");
        }
        return node == nullptr ? nullptr : node->as_table();
    }
    Status finish() {
        for (const auto& [key, node] : table_) {
            if (error_.empty() && !known_.contains(std::string(key.str()))) {
                refuse(quoted(key.str()), "unknown");
            }
        }
        if (!error_.empty()) {
            return fail(Code::usage, where_, error_);
        }
        return {};
    }

  private:
    const toml::node* find(std::string_view key) {
        known_.insert(std::string(key));
        return table_.get(key);
    }
    void refuse(std::string_view key, const std::string& what) {
        error_ = error_.empty() ? std::string(key) + ": " + what : error_;
    }

    const toml::table& table_;
    std::string where_;
    std::set<std::string> known_;
    std::string error_;
};

}  // namespace

Result<AgentConfig> parse_config(std::string_view text) {
    toml::table parsed;
    try {
        parsed = toml::parse(text);
    } catch (const toml::parse_error& error) {
        return fail(Code::usage, "config: line " + std::to_string(error.source().begin.line),
                    std::string(error.description()));
    }
    AgentConfig out;
    Table root(parsed, "config");
    root.text("address", out.address);
    root.number("port", out.port, 0, 65535);
    root.texts("names", out.names);
    root.number("valid_minutes", out.valid_minutes, 2, 1435);
    root.text("port_file", out.port_file);
    if (const toml::table* files = root.table("certificate")) {
        Table certificate(*files, "config: certificate");
        certificate.text("file", out.certificate);
        certificate.text("key", out.key);
        RATLS_CHECK(certificate.finish());
        if (out.certificate.empty() || out.key.empty()) {
            return fail(Code::usage, "config: certificate", "file and key wanted");
        }
    }
    if (const toml::table* evidence = root.table("evidence")) {
        Table vm(*evidence, "config: evidence");
        vm.text("tcti", out.vm.tcti);
        vm.text("ak_type", out.vm.ak_type);
        vm.text("ak_handle", out.vm.ak_handle);
        vm.text("ak_certificate", out.vm.ak_certificate);
        vm.text("ek_handle", out.vm.ek_handle);
        vm.text("ek_certificate", out.vm.ek_certificate);
        vm.text("tsm", out.vm.tsm);
        vm.text("ima_log", out.vm.ima_log);
        vm.text("boot_log", out.vm.boot_log);
        vm.text("vek", out.vm.vek);
        vm.text("ask", out.vm.ask);
        vm.text("amd_crl", out.vm.amd_crl);
        vm.text("ccel", out.vm.ccel);
        vm.text("collateral", out.vm.collateral);
        RATLS_CHECK(vm.finish());
    }
    if (const toml::table* table = root.table("limits")) {
        Table limits(*table, "config: limits");
        limits.number("evidence_burst", out.evidence_burst, 1, 1000);
        limits.number("evidence_per_minute", out.evidence_per_minute, 1, 6000);
        limits.number("log_burst", out.log_burst, 1, 1000);
        limits.number("log_per_minute", out.log_per_minute, 1, 60000);
        limits.number("connections_per_address", out.connections_per_address, 0, 256);
        limits.texts("proxies", out.proxies);
        RATLS_CHECK(limits.finish());
        for (std::string& proxy : out.proxies) {
            auto address = normal_address(proxy);
            if (!address) {
                return std::unexpected(std::move(address).error().in("config: limits: proxies"));
            }
            proxy = *std::move(address);
        }
    }
    RATLS_CHECK(root.finish());
    if (out.names.empty() && out.certificate.empty()) {
        return fail(Code::usage, "config: names", "at least one name of the service wanted");
    }
    return out;
}

}  // namespace ratls::agent
