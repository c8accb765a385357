// One after the other, with a bound on how many wait and with one who never waits behind them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace ratls::agent {

/// Whose turn it is at a device that serves one at a time. Any thread may call.
class Turns {
  public:
    /// Lasts until it goes.
    class Turn {
      public:
        explicit Turn(Turns& turns) : turns_(&turns) {}
        Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
        Turn& operator=(Turn&&) = delete;
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        ~Turn() {
            if (turns_ != nullptr) {
                turns_->leave();
            }
        }

      private:
        Turns* turns_;
    };

    explicit Turns(unsigned most_waiting) : most_waiting_(most_waiting) {}

    /// Waits for a turn; none if already `most_waiting` do, or if it takes longer than `patience`.
    std::optional<Turn> wait(std::chrono::milliseconds patience);
    /// Waits for the end of the turn under way only, not for those who wait.
    Turn go_first();

    /// How many wait now.
    unsigned waiting() const;
    /// How long the turn under way has lasted; 0 if there is none.
    std::chrono::milliseconds busy_for() const;

  private:
    void begin();
    void leave();

    const unsigned most_waiting_;
    mutable std::mutex mutex_;
    std::condition_variable free_;
    bool busy_ = false;
    std::chrono::steady_clock::time_point busy_since_;
    unsigned waiting_ = 0;
    unsigned first_ = 0;  ///< who want to go first
};

}  // namespace ratls::agent
