#include "agent/turns.h"

namespace ratls::agent {

std::optional<Turns::Turn> Turns::wait(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    if (busy_ || first_ > 0) {
        if (waiting_ >= most_waiting_) {
            return std::nullopt;
        }
        ++waiting_;
        const bool free = free_.wait_for(lock, patience, [this] { return !busy_ && first_ == 0; });
        --waiting_;
        if (!free) {
            return std::nullopt;
        }
    }
    begin();
    return std::optional<Turn>(std::in_place, *this);
}

Turns::Turn Turns::go_first() {
    std::unique_lock lock(mutex_);
    ++first_;
    free_.wait(lock, [this] { return !busy_; });
    --first_;
    begin();
    return Turn(*this);
}

unsigned Turns::waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_ + first_;
}

std::chrono::milliseconds Turns::busy_for() const {
    const std::lock_guard lock(mutex_);
    return busy_ ? std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                busy_since_)
                 : std::chrono::milliseconds(0);
}

void Turns::begin() {
    busy_ = true;
    busy_since_ = std::chrono::steady_clock::now();
}

void Turns::leave() {
    {
        const std::lock_guard lock(mutex_);
        busy_ = false;
    }
    free_.notify_all();
}

}  // namespace ratls::agent
