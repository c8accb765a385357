// What the parts of a policy have in common when they are read.
#pragma once

#include <vector>

#include "ratls/base/text.h"
#include "ratls/codec/json.h"

namespace ratls::verify {

/// A word out of two; the second one is the weaker and never the default.
inline bool read_choice(JsonReader& reader, std::string_view key, std::string_view strict,
                        std::string_view weak) {
    const std::string word = reader.string(key, std::string(strict));
    if (word != strict && word != weak) {
        reader.fail(key,
                    quoted(strict) + " or " + quoted(weak) + " wanted, " + quoted(word) + " found");
    }
    return word == weak;
}

inline Json integer_array(const std::vector<std::int64_t>& values) {
    Json out(Json::Array{});
    for (const std::int64_t value : values) {
        out.push(value);
    }
    return out;
}

}  // namespace ratls::verify
