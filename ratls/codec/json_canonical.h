// The canonical form of a JSON text, made without a tree.
#pragma once

#include "ratls/codec/json_cursor.h"

namespace ratls {

/// Reads the value that the cursor stands on, and appends what `Json::canonical` would give for it.
/// An object with a member twice, or with more than `max_members`, is a failure. What is appended
/// is no longer than the value's text; besides, an object whose members are not sorted takes its
/// own size once more while it is sorted.
void append_canonical(JsonCursor& in, std::size_t max_members, std::string& out);

/// `text` with the shortest escapes of a JSON string.
void append_json_escaped(std::string_view text, std::string& out);

/// `text` as a JSON string, with the shortest escapes.
void append_json_string(std::string_view text, std::string& out);

}  // namespace ratls
