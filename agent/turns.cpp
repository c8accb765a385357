#include "agent/turns.h"

namespace ratls::agent {

std::optional<Turns::Turn> Turns::wait() {
    std::unique_lock lock(mutex_);
    if (busy_ || first_ > 0) {
        if (waiting_ >= most_waiting_) {
            return std::nullopt;
        }
        ++waiting_;
        free_.wait(lock, [this] { return !busy_ && first_ == 0; });
        --waiting_;
    }
    busy_ = true;
    return std::optional<Turn>(std::in_place, *this);
}

Turns::Turn Turns::go_first() {
    std::unique_lock lock(mutex_);
    ++first_;
    free_.wait(lock, [this] { return !busy_; });
    --first_;
    busy_ = true;
    return Turn(*this);
}

unsigned Turns::waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_ + first_;
}

void Turns::leave() {
    {
        const std::lock_guard lock(mutex_);
        busy_ = false;
    }
    free_.notify_all();
}

}  // namespace ratls::agent
