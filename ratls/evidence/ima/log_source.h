// An IMA list that need not be in memory as a whole.
#pragma once

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls::ima {

/// A binary list, or the rest of one, given in pieces from any place on, any number of times. What
/// it gives is believed only within one pass that replays to a quote: another pass may see other
/// bytes. One thread at a time.
class LogSource {
  public:
    struct Piece {
        ByteView bytes;     ///< good until the next call
        bool last = false;  ///< nothing comes behind them
    };

    virtual ~LogSource() = default;

    /// The bytes from `offset` on: `kMaxEntryBytes` of them at least, unless it is the last piece.
    /// Behind the end: none, and last.
    virtual Result<Piece> at(std::uint64_t offset) = 0;
};

/// A list in memory, which stays there.
class MemoryLog : public LogSource {
  public:
    explicit MemoryLog(ByteView log) : log_(log) {}

    Result<Piece> at(std::uint64_t offset) override {
        return Piece{log_.subspan(std::min<std::uint64_t>(offset, log_.size())), true};
    }

  private:
    ByteView log_;
};

}  // namespace ratls::ima
