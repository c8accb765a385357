#include <time.h>

#include <cerrno>

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

void LinuxClock::wait(std::chrono::milliseconds time) const {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
    timespec left{seconds.count(), std::chrono::nanoseconds(time - seconds).count()};
    while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
    }
}

}  // namespace ratls
