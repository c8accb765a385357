#include <thread>

#include "ratls/platform/waiter.h"

namespace ratls {

void LinuxWaiter::wait(std::chrono::milliseconds time) {
    std::this_thread::sleep_for(time);  // allowed: there is no event; somebody named a time
}

}  // namespace ratls
