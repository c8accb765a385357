#include "ratls/codec/json_cursor.h"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include "ratls/base/text.h"

namespace ratls {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::string_view kJson = "json";  // for faults of the text rather than of a value
constexpr std::string_view kSpace = " \t\r\n";

/// Where a string holds a control character, such as a line's end because its closing quote is
/// missing; else the end.
std::size_t find_broken_string(std::string_view text) {
    bool inside = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') {
            inside = !inside;
        } else if (inside && static_cast<unsigned char>(text[i]) < 0x20) {
            return i;
        } else if (inside && text[i] == '\\') {
            ++i;
        }
    }
    return text.size();
}

/// Whether the text has more tokens than `most`. Counts at least what simdjson indexes: brackets,
/// commas and colons outside of strings, the beginnings of strings, and those of whatever else.
bool has_more_tokens(std::string_view text, std::size_t most) {
    enum class Class : std::uint8_t { other, space, quote, mark };
    static constexpr auto kClasses = [] {
        std::array<Class, 256> out{};
        for (const char c : kSpace) {
            out[static_cast<unsigned char>(c)] = Class::space;
        }
        for (const char c : std::string_view("{}[],:")) {
            out[static_cast<unsigned char>(c)] = Class::mark;
        }
        out[static_cast<unsigned char>('"')] = Class::quote;
        return out;
    }();
    std::size_t count = 0;
    Class before = Class::space;
    for (std::size_t i = 0; i < text.size() && count <= most; ++i) {
        const Class now = kClasses[static_cast<unsigned char>(text[i])];
        count += now == Class::mark || now == Class::quote ||
                         (now == Class::other && before != Class::other)
                     ? 1
                     : 0;
        before = now;
        if (now == Class::quote) {
            for (++i; i < text.size() && text[i] != '"'; ++i) {
                i += text[i] == '\\' ? 1U : 0U;
            }
        }
    }
    return count > most;
}

std::string words(simdjson::error_code error) {
    switch (error) {
        case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
            return "the text does not end with the bracket that closes its first one";
        case simdjson::TAPE_ERROR:
            return "a comma, colon, bracket or value missing or too much";
        case simdjson::STRING_ERROR:
            return "a string with a broken escape";
        default:
            return simdjson::error_message(error);
    }
}

/// simdjson would let the environment choose: SIMDJSON_FORCE_IMPLEMENTATION.
void use_best_implementation() {
    static const bool done = [] {
        simdjson::get_active_implementation() =
            simdjson::get_available_implementations().detect_best_supported();
        return true;
    }();
    static_cast<void>(done);
}

/// A name from outside, as it is if that is harmless.
std::string shown(std::string_view key) {
    const bool plain = !key.empty() && key.size() <= 80 && std::ranges::all_of(key, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    });
    return plain ? std::string(key) : ratls::quoted(key);
}

}  // namespace

/// simdjson looks at nothing that nobody reads, so everything must be read.
struct JsonCursor::State {
    State(std::string_view in, std::size_t readable_behind, JsonLimits bounds)
        : text(in), limits(bounds) {
        if (readable_behind < simdjson::SIMDJSON_PADDING) {
            copy = simdjson::padded_string(in);
            padded = copy;
        } else {
            padded =
                simdjson::padded_string_view(in.data(), in.size(), in.size() + readable_behind);
        }
    }

    std::string_view text;
    JsonLimits limits;
    simdjson::padded_string copy;
    simdjson::padded_string_view padded;
    ondemand::parser parser;
    ondemand::document document;
    ondemand::value value;
    bool at_root = true;  // on `document`, which is an object or a list; else on `value`
    bool taken = false;   // it has been read
    unsigned depth = 0;
};

static_assert(kJsonPadding >= simdjson::SIMDJSON_PADDING);

JsonCursor::JsonCursor(std::string_view text, std::string name, JsonLimits limits)
    : name_(std::move(name)) {
    open(text, 0, limits);
}

JsonCursor::JsonCursor(std::string_view text, std::size_t readable_behind, std::string name,
                       JsonLimits limits)
    : name_(std::move(name)) {
    open(text, readable_behind, limits);
}

void JsonCursor::open(std::string_view text, std::size_t readable_behind, JsonLimits limits) {
    if (text.size() > limits.max_bytes) {
        fail({Code::too_large, std::string(kJson),
              "at most " + std::to_string(limits.max_bytes) + " bytes wanted, " +
                  std::to_string(text.size()) + " found"});
        return;
    }
    if (limits.max_tokens != JsonLimits{}.max_tokens && has_more_tokens(text, limits.max_tokens)) {
        fail({Code::too_large, std::string(kJson),
              "more than " + std::to_string(limits.max_tokens) +
                  " brackets, commas, colons, texts, numbers and words"});
        return;
    }
    if (text.starts_with("\xef\xbb\xbf")) {  // some versions of simdjson skip it
        fail({Code::malformed, std::string(kJson), "a byte order mark"});
        return;
    }
    // The outermost scalars of simdjson 3.0 may have something behind them.
    if (const std::size_t first = text.find_first_not_of(kSpace);
        first == std::string_view::npos || (text[first] != '{' && text[first] != '[')) {
        fail({Code::malformed, std::string(kJson), "an object or a list wanted"});
        return;
    }
    use_best_implementation();
    path_.reserve(limits.max_depth);
    state_ = std::make_unique<State>(text, readable_behind, limits);
    const auto error = state_->parser.iterate(state_->padded).get(state_->document);
    if (error == simdjson::UNCLOSED_STRING || error == simdjson::UNESCAPED_CHARS) {
        fail({Code::malformed, std::string(kJson),
              "a string without an end, or with a control character, at offset " +
                  std::to_string(find_broken_string(text))});
    } else if (error != simdjson::SUCCESS) {
        fail({Code::malformed, std::string(kJson), words(error)});
    }
}

JsonCursor::~JsonCursor() = default;

JsonCursor::Kind JsonCursor::kind() {
    if (!ok()) {
        return Kind::null;
    }
    ondemand::json_type type{};
    State& state = *state_;
    if (const auto error = (state.at_root ? state.document.type() : state.value.type()).get(type)) {
        refuse_text(words(error));
        return Kind::null;
    }
    switch (type) {
        case ondemand::json_type::object:
            return Kind::object;
        case ondemand::json_type::array:
            return Kind::array;
        case ondemand::json_type::string:
            return Kind::string;
        case ondemand::json_type::number:
            return Kind::integer;
        case ondemand::json_type::boolean:
            return Kind::boolean;
        case ondemand::json_type::null:
            return Kind::null;
    }
    refuse_text("a value of no known kind");
    return Kind::null;
}

void JsonCursor::null() {
    constexpr std::string_view kWanted = "null wanted";
    bool is_null = false;
    if (may_read_scalar(kWanted) &&
        took(simdjson::simdjson_result<bool>(state_->value.is_null()).get(is_null), kWanted) &&
        !is_null) {
        fail(std::string(kWanted));
    }
}

bool JsonCursor::boolean() {
    constexpr std::string_view kWanted = "true or false wanted";
    bool out = false;
    return may_read_scalar(kWanted) && took(state_->value.get_bool().get(out), kWanted) && out;
}

std::int64_t JsonCursor::integer(std::int64_t least, std::int64_t most) {
    std::int64_t out = 0;
    if (!may_read()) {
        return 0;
    }
    // Whatever is wrong with a number, this is what it should be.
    if (state_->at_root || state_->value.get_int64().get(out) ||
        out < std::max(least, -kMaxInteger) || out > std::min(most, kMaxInteger)) {
        fail("an integer from " + std::to_string(least) + " to " + std::to_string(most) +
             " wanted");
        return 0;
    }
    state_->taken = true;
    return out;
}

std::string_view JsonCursor::string() {
    constexpr std::string_view kWanted = "a text wanted";
    std::string_view out;
    if (may_read_scalar(kWanted) && took(state_->value.get_string().get(out), kWanted)) {
        check_string(out);
    }
    return ok() ? out : std::string_view();
}

/// simdjson would give a value again, and what a list or an object held last for that itself.
bool JsonCursor::may_read() {
    if (ok() && state_->taken) {
        fail({Code::internal, where(), "a value that was read twice"});
    }
    return ok();
}

bool JsonCursor::may_read_scalar(std::string_view wanted) {
    if (may_read() && state_->at_root) {
        fail(std::string(wanted));
    }
    return ok();
}

/// That the value was read without this error of simdjson: it is of another kind than wanted, or no
/// JSON.
bool JsonCursor::took(int error, std::string_view wanted) {
    if (error == simdjson::INCORRECT_TYPE) {
        fail(std::string(wanted));
    } else if (error != simdjson::SUCCESS) {
        refuse_text(words(static_cast<simdjson::error_code>(error)));
    }
    state_->taken = error == simdjson::SUCCESS;
    return state_->taken;
}

void JsonCursor::check_taken() {
    if (ok() && !state_->taken) {
        fail({Code::internal, where(), "a value that was not read"});
    }
}

void JsonCursor::check_string(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) {
        refuse_text("NUL in a string before what is");
    }
}

void JsonCursor::each_item(std::size_t most, const void* context, void (*read)(const void*)) {
    ondemand::array array;
    if (!may_read()) {
        return;
    }
    State& state = *state_;
    const auto error =
        (state.at_root ? state.document.get_array() : state.value.get_array()).get(array);
    if (!took(error, "a list wanted") || !enter()) {
        return;
    }
    path_.push_back({{}, 0});
    for (auto item : array) {
        if (const auto fault = std::move(item).get(state_->value)) {
            refuse_text(words(fault));
        } else if (path_.back().index == most) {
            path_.pop_back();
            fail("at most " + std::to_string(most) + " items wanted");
            return;
        } else {
            state_->taken = false;
            read(context);
            check_taken();
        }
        if (!ok()) {
            return;
        }
        ++path_.back().index;
    }
    path_.pop_back();
    --state_->depth;
}

void JsonCursor::each_member(const void* context, void (*read)(const void*, std::string_view)) {
    ondemand::object object;
    if (!may_read()) {
        return;
    }
    State& state = *state_;
    const auto error =
        (state.at_root ? state.document.get_object() : state.value.get_object()).get(object);
    if (!took(error, "an object wanted") || !enter()) {
        return;
    }
    path_.push_back({{}, kMember});
    for (auto member : object) {
        ondemand::field field;
        std::string_view name;
        auto fault = std::move(member).get(field);
        if (!fault) {
            fault = field.unescaped_key().get(name);
        }
        if (fault) {
            refuse_text(words(fault));
            return;
        }
        check_string(name);
        path_.back().key = name;
        state_->value = field.value();
        if (ok()) {
            state_->taken = false;
            read(context, name);
            check_taken();
        }
        if (!ok()) {
            return;
        }
    }
    path_.pop_back();
    --state_->depth;
}

bool JsonCursor::enter() {
    state_->at_root = false;
    if (++state_->depth > state_->limits.max_depth) {
        fail({Code::too_large, std::string(kJson),
              "more than " + std::to_string(state_->limits.max_depth) + " levels of nesting"});
    }
    return ok();
}

void JsonCursor::require(std::string_view name, bool there) {
    if (ok() && !there) {
        fail_at(name, "missing");
    }
}

void JsonCursor::refuse_member(std::string_view name) {
    path_.pop_back();
    fail_at(ratls::quoted(name), "unknown member");
}

void JsonCursor::fail_at(std::string_view key, std::string what) {
    std::string place = where();
    place += place.empty() || key.empty() ? "" : ": ";
    fail({Code::malformed, place + std::string(key), std::move(what)});
}

void JsonCursor::fail(Error error) {
    if (!error_) {
        error_ = std::move(error);
    }
}

void JsonCursor::refuse_text(std::string what) {
    fail({Code::malformed, std::string(kJson),
          std::move(what) + " at offset " + std::to_string(offset())});
}

/// Of what is read next.
std::size_t JsonCursor::offset() {
    const char* place = nullptr;
    if (!ok()) {
        return 0;
    }
    return state_->document.current_location().get(place) == simdjson::SUCCESS
               ? static_cast<std::size_t>(place - state_->padded.data())
               : state_->text.size();
}

std::string_view JsonCursor::text_between(std::size_t begin, std::size_t end) const {
    if (!ok()) {
        return {};
    }
    const std::string_view text = state_->text.substr(begin, end - begin);
    return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

Status JsonCursor::finish() {
    if (ok() && offset() != state_->text.size()) {
        refuse_text("trailing text");
    }
    if (error_) {
        return std::unexpected(*error_);
    }
    return {};
}

std::string JsonCursor::where() const {
    std::string out = name_;
    for (const Place& place : path_) {
        if (place.index != kMember) {
            out += "[" + std::to_string(place.index) + "]";
        } else {
            out += (out.empty() ? "" : ": ") + shown(place.key);
        }
    }
    return out;
}

}  // namespace ratls
