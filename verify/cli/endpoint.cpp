#include "verify/cli/endpoint.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "ratls/base/text.h"

namespace ratls::cli {
namespace {

constexpr std::string_view kScheme = "https://";
constexpr std::uint16_t kDefaultPort = 443;
constexpr std::size_t kMaxName = 253;  // RFC 1035, as text
constexpr std::size_t kMaxLabel = 63;

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' &&
           std::ranges::all_of(label, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
           });
}

bool is_host_name(std::string_view text) {
    return text.size() <= kMaxName && std::ranges::all_of(split(text, '.'), is_label);
}

struct HostPort {
    std::string host;  // without brackets
    std::uint16_t port = kDefaultPort;
};

Result<std::uint16_t> parse_port(std::string_view where, std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0) {
        return fail(Code::usage, std::string(where),
                    "a port from 1 to 65535 wanted, " + ratls::quoted(text) + " found");
    }
    return port;
}

/// The length of the host at the beginning of a text, with its brackets.
std::size_t host_length(std::string_view text) {
    const std::size_t end = text.starts_with('[') ? text.find(']') : std::string_view::npos;
    return end != std::string_view::npos ? end + 1 : std::min(text.find(':'), text.size());
}

/// A name, an IPv4 address, or an IPv6 address in brackets.
Result<std::string> parse_host(std::string_view where, std::string_view text) {
    const bool brackets = text.starts_with('[') && text.ends_with(']');
    std::string host(brackets ? text.substr(1, text.size() - 2) : text);
    if (brackets ? !host.contains(':') || !is_ip_literal(host) : !is_host_name(host)) {
        return fail(Code::usage, std::string(where),
                    "a host wanted (a name, an address, an IPv6 address in brackets), " +
                        ratls::quoted(text) + " found");
    }
    return host;
}

Result<HostPort> parse_host_port(std::string_view where, std::string_view text) {
    HostPort out;
    const std::string_view host = text.substr(0, host_length(text));
    const std::string_view rest = text.substr(host.size());
    RATLS_TRY(out.host, parse_host(where, host));
    if (!rest.empty()) {
        if (rest.front() != ':' || rest.find(':', 1) != std::string_view::npos) {
            return fail(Code::usage, std::string(where),
                        "host[:port] wanted, with an IPv6 address in brackets, " +
                            ratls::quoted(text) + " found");
        }
        RATLS_TRY(out.port, parse_port(where, rest.substr(1)));
    }
    return out;
}

/// NAME:PORT:ADDR, with ADDR in brackets or not.
Result<Endpoint> parse_resolve(std::string_view rule) {
    constexpr std::string_view kWhere = "--resolve";
    const std::size_t name = host_length(rule);
    const std::size_t colon = rule.find(':', std::min(name + 1, rule.size()));
    if (name == rule.size() || colon == std::string_view::npos) {
        return fail(Code::usage, std::string(kWhere),
                    "NAME:PORT:ADDR wanted, " + ratls::quoted(rule) + " found");
    }
    RATLS_TRY(HostPort key, parse_host_port(kWhere, rule.substr(0, colon)));
    std::string_view address = rule.substr(colon + 1);
    if (address.starts_with('[') && address.ends_with(']')) {
        address = address.substr(1, address.size() - 2);
    }
    if (!is_ip_literal(std::string(address))) {
        return fail(Code::usage, std::string(kWhere),
                    "an IPv4 or IPv6 address wanted behind NAME:PORT, " + ratls::quoted(address) +
                        " found");
    }
    return Endpoint{std::move(key.host), key.port, std::string(address)};
}

}  // namespace

bool names_file(std::string_view target) {
    constexpr std::array<std::string_view, 6> kEndings = {".pem", ".der", ".crt",
                                                          ".cer", ".bin", ".json"};
    if (target.starts_with(kScheme)) {
        return false;
    }
    const std::string text = lower(target);
    return target == "-" || target.contains('/') ||
           std::ranges::any_of(kEndings,
                               [&](std::string_view ending) { return text.ends_with(ending); });
}

Result<Endpoint> parse_endpoint(const std::string& target,
                                const std::vector<std::string>& resolve) {
    if (names_file(target)) {
        return fail(Code::usage, "TARGET",
                    "https://host[:port] or host[:port] wanted, the file " +
                        ratls::quoted(target, 300) + " found");
    }
    std::string_view text = target;
    if (text.starts_with(kScheme)) {
        text.remove_prefix(kScheme.size());
        text = text.substr(0, text.size() - (text.ends_with('/') ? 1 : 0));
        if (text.contains('/')) {
            return fail(Code::usage, "TARGET",
                        "a host without a path wanted, " + ratls::quoted(target, 300) + " found");
        }
    }
    RATLS_TRY(HostPort place, parse_host_port("TARGET", text));
    Endpoint out{std::move(place.host), place.port, {}};
    for (const std::string& text_of_rule : resolve) {
        RATLS_TRY(Endpoint rule, parse_resolve(text_of_rule));
        if (lower(rule.host) == lower(out.host) && rule.port == out.port) {
            out.address = std::move(rule.address);
        }
    }
    return out;
}

}  // namespace ratls::cli
