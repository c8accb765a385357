// TARGET of the command line: a host or a file, told apart by its text alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ratls/base/result.h"
#include "ratls/tls/socket.h"

namespace ratls::cli {

/// True if TARGET names a file: "-" (standard input), what contains a slash and is no https:// URL,
/// and what ends as the names of certificates and evidence do. What lies in a folder is never
/// looked at.
bool names_file(std::string_view target);

/// "https://host[:port][/]", "host[:port]", an IPv6 address in brackets. `resolve`: the values of
/// --resolve, NAME:PORT:ADDR each; one that has not this form is an error, whatever TARGET is.
Result<Endpoint> parse_endpoint(const std::string& target, const std::vector<std::string>& resolve);

}  // namespace ratls::cli
