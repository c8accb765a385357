#include "ratls/base/time.h"

#include <chrono>
#include <optional>

#include "ratls/base/text.h"

namespace ratls {
namespace {

std::optional<int> number(std::string_view text, std::size_t at, std::size_t digits) {
    int value = 0;
    for (std::size_t i = at; i < at + digits; ++i) {
        if (i >= text.size() || text[i] < '0' || text[i] > '9') {
            return std::nullopt;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

std::unexpected<Error> bad(std::string_view text) {
    return fail(Code::malformed, "time",
                "a time like 2025-05-15T21:21:54Z wanted, " + quoted(text) + " found");
}

}  // namespace

Result<UnixTime> make_time(int year, int month, int day, int hour, int minute, int second) {
    using namespace std::chrono;
    if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) {
        return fail(Code::malformed, "time", "no such date");  // chrono would take them modulo 256
    }
    const year_month_day date(std::chrono::year(year),
                              std::chrono::month(static_cast<unsigned>(month)),
                              std::chrono::day(static_cast<unsigned>(day)));
    if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 59) {
        return fail(Code::malformed, "time", "no such date or time of day");
    }
    const auto days = sys_days(date).time_since_epoch().count();
    return UnixTime{days} * 86400 + hour * 3600 + minute * 60 + second;
}

Result<UnixTime> parse_rfc3339(std::string_view text) {
    const auto year = number(text, 0, 4);
    const auto month = number(text, 5, 2);
    const auto day = number(text, 8, 2);
    const auto hour = number(text, 11, 2);
    const auto minute = number(text, 14, 2);
    const auto second = number(text, 17, 2);
    if (!year || !month || !day || !hour || !minute || !second || text[4] != '-' ||
        text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' ||
        text[16] != ':') {
        return bad(text);
    }
    std::size_t at = 19;
    if (at < text.size() && text[at] == '.') {
        const std::size_t first = ++at;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
            ++at;
        }
        if (at == first) {
            return bad(text);
        }
    }
    int offset = 0;
    if (at + 1 == text.size() && (text[at] == 'Z' || text[at] == 'z')) {
        offset = 0;
    } else if (at + 6 == text.size() && (text[at] == '+' || text[at] == '-') &&
               text[at + 3] == ':') {
        const auto hours = number(text, at + 1, 2);
        const auto minutes = number(text, at + 4, 2);
        if (!hours || !minutes || *hours > 23 || *minutes > 59) {
            return bad(text);
        }
        offset = (*hours * 3600 + *minutes * 60) * (text[at] == '-' ? -1 : 1);
    } else {
        return bad(text);
    }
    const auto time = make_time(*year, *month, *day, *hour, *minute, *second);
    if (!time) {
        return bad(text);
    }
    return *time - offset;
}

std::string format_rfc3339(UnixTime time) {
    using namespace std::chrono;
    const sys_seconds point{seconds(time)};
    const sys_days day = floor<days>(point);
    const year_month_day date(day);
    const hh_mm_ss clock(point - day);
    std::string out = std::to_string(static_cast<int>(date.year()));
    out.insert(0, out.size() < 4 ? 4 - out.size() : 0, '0');
    const auto add = [&](char before, auto value) {
        out += before;
        out += static_cast<char>('0' + value / 10);
        out += static_cast<char>('0' + value % 10);
    };
    add('-', static_cast<unsigned>(date.month()));
    add('-', static_cast<unsigned>(date.day()));
    add('T', clock.hours().count());
    add(':', clock.minutes().count());
    add(':', clock.seconds().count());
    return out + 'Z';
}

}  // namespace ratls
