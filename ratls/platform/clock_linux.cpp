#include <time.h>

#include "ratls/platform/clock.h"

namespace ratls {
namespace {

timespec read_clock(clockid_t id) {
    timespec out{};
    ::clock_gettime(id, &out);  // fails only for a clock that does not exist
    return out;
}

}  // namespace

UnixTime LinuxClock::now() const {
    return read_clock(CLOCK_REALTIME).tv_sec;
}

std::chrono::milliseconds LinuxClock::monotonic() const {
    const timespec time = read_clock(CLOCK_BOOTTIME);
    return std::chrono::seconds(time.tv_sec) +
           std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace ratls
