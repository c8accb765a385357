#include "ratls/http/date.h"

#include <algorithm>
#include <array>

#include "ratls/base/text.h"

namespace ratls::http {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::string_view kForm = "???, 00 ??? 0000 00:00:00 GMT";

/// Digits where the form has zeros, any character where it has a question mark, else the same.
bool has_form(std::string_view text) {
    return text.size() == kForm.size() &&
           std::ranges::equal(text, kForm, [](char found, char wanted) {
               if (wanted == '0') {
                   return found >= '0' && found <= '9';
               }
               return wanted == found || wanted == '?';
           });
}

int number(std::string_view digits) {
    int out = 0;
    for (const char digit : digits) {
        out = out * 10 + (digit - '0');
    }
    return out;
}

}  // namespace

Result<UnixTime> parse_date(std::string_view text) {
    const auto refuse = [&] {
        return fail(
            Code::malformed, "http.date",
            "a date like \"Sun, 06 Nov 1994 08:49:37 GMT\" wanted, " + quoted(text) + " found");
    };
    if (!has_form(text) || std::ranges::find(kDays, text.substr(0, 3)) == kDays.end()) {
        return refuse();
    }
    const auto* month = std::ranges::find(kMonths, text.substr(8, 3));
    if (month == kMonths.end()) {
        return refuse();
    }
    const auto time =
        make_time(number(text.substr(12, 4)), static_cast<int>(month - kMonths.begin()) + 1,
                  number(text.substr(5, 2)), number(text.substr(17, 2)), number(text.substr(20, 2)),
                  number(text.substr(23, 2)));
    if (!time) {
        return refuse();
    }
    return time;
}

}  // namespace ratls::http
