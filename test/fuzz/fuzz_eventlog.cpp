// A log that parses replays in each of its banks; views stay inside of the log.
#include "ratls/evidence/eventlog/log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ratls::eventlog;
    for (const Kind kind : {Kind::tcg, Kind::ccel}) {
        const auto log = parse_log({data, size}, kind);
        if (!log) {
            continue;
        }
        for (const auto bank : log->banks) {
            replay(*log, bank);
        }
        const std::size_t wrong = data_mismatches(*log).size();
        if (log->events.empty() || log->banks.empty() || wrong > log->events.size()) {
            __builtin_trap();
        }
    }
    return 0;
}
