// Answers to what did not work, without a path of this machine in them.
#pragma once

#include <chrono>

#include "ratls/http/message.h"

namespace ratls::agent {

/// What a client did wrong, in its own words: 400. The error may not come from a file.
http::Response bad_request(const Error& error);

/// What everybody may know of a failure on this side.
std::string public_reason(const Error& error);

/// 503 with the public reason, 500 for a fault of ours; the cause is for the log.
http::Response unable(const Error& error);

/// With Retry-After.
http::Response later(int status, std::string_view text, std::chrono::seconds wait);

}  // namespace ratls::agent
