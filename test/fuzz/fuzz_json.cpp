// What parses is JSON to another reader too, and survives both ways of writing: the values are the
// same, the canonical text is fixed.
#include "ratls/base/bytes.h"
#include "ratls/base/text.h"
#include "ratls/codec/json.h"

namespace {

/// The grammar of RFC 8259 with integers only, and nothing else: no values, no limits. `take`
/// functions move behind what they are named after, or give false.
class Grammar {
  public:
    explicit Grammar(std::string_view text) : text_(text) {}

    bool is_json() { return take_value() && (take_space(), at_ == text_.size()); }

  private:
    char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char c) {
        const bool found = at_ < text_.size() && text_[at_] == c;
        at_ += found ? 1 : 0;
        return found;
    }
    bool take_word(std::string_view word) {
        const bool found = text_.substr(at_).starts_with(word);
        at_ += found ? word.size() : 0;
        return found;
    }
    void take_space() {
        while (next() == ' ' || next() == '\t' || next() == '\r' || next() == '\n') {
            ++at_;
        }
    }
    static bool is_digit(char c) { return c >= '0' && c <= '9'; }

    bool take_value() {
        take_space();
        switch (next()) {
            case '{':
                return take_list('{', '}', true);
            case '[':
                return take_list('[', ']', false);
            case '"':
                return take_string();
            case 't':
                return take_word("true");
            case 'f':
                return take_word("false");
            case 'n':
                return take_word("null");
            default:
                return take_integer();
        }
    }

    bool take_list(char open, char close, bool names) {
        take(open);
        take_space();
        if (take(close)) {
            return true;
        }
        do {
            take_space();
            if (names && (!take_string() || (take_space(), !take(':')))) {
                return false;
            }
            if (!take_value()) {
                return false;
            }
            take_space();
        } while (take(','));
        return take(close);
    }

    bool take_integer() {
        take('-');
        if (take('0')) {
            return !is_digit(next());
        }
        const std::size_t first = at_;
        while (is_digit(next())) {
            ++at_;
        }
        return at_ > first;
    }

    /// Four hex digits; -1 if there are none.
    int take_unit() {
        int out = 0;
        for (int i = 0; i < 4; ++i) {
            const std::size_t digit =
                std::string_view("0123456789abcdef").find(static_cast<char>(next() | 0x20));
            if (at_ >= text_.size() || digit == std::string_view::npos || text_[at_] < '0') {
                return -1;
            }
            out = out * 16 + static_cast<int>(digit);
            ++at_;
        }
        return out;
    }

    bool take_escape() {
        if (!take('u')) {
            const bool known = at_ < text_.size() && std::string_view("\"\\/bfnrt").find(next()) !=
                                                         std::string_view::npos;
            at_ += known ? 1 : 0;
            return known;
        }
        const int unit = take_unit();
        const bool high = unit >= 0xd800 && unit <= 0xdbff;
        if (high) {
            const int low = take_word("\\u") ? take_unit() : -1;
            return low >= 0xdc00 && low <= 0xdfff;
        }
        return unit > 0 && (unit < 0xdc00 || unit > 0xdfff);
    }

    bool take_string() {
        if (!take('"')) {
            return false;
        }
        while (!take('"')) {
            if (at_ == text_.size() || static_cast<unsigned char>(next()) < 0x20 ||
                (take('\\') ? !take_escape() : (++at_, false))) {
                return false;
            }
        }
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = ratls::as_text({data, size});
    const auto json = ratls::parse_json(text, {.max_depth = 8});
    if (json) {
        const std::string canonical = json->canonical();
        const auto again = ratls::parse_json(canonical);
        const auto pretty = ratls::parse_json(json->pretty());
        if (!ratls::is_utf8(text) || !Grammar(text).is_json() || !again ||
            again->canonical() != canonical || !pretty || pretty->canonical() != canonical) {
            __builtin_trap();
        }
    }
    return 0;
}
