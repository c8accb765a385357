// An IMA list that comes in pieces, each of which is spoiled when the next one comes.
#pragma once

#include <limits>

#include "ratls/evidence/ima/log_source.h"

namespace ratls::test {

class PieceLog : public ima::LogSource {
  public:
    PieceLog(ByteView log, std::size_t piece) : log_(log), size_(piece) {}

    /// From this offset on nothing can be read.
    std::uint64_t broken_from = std::numeric_limits<std::uint64_t>::max();

    Result<Piece> at(std::uint64_t offset) override {
        if (offset >= broken_from) {
            return fail(Code::io, "log", "no disk");
        }
        std::ranges::fill(piece_, std::uint8_t{0xee});
        spoiled_ = std::move(piece_);  // and not given back yet, so that a late reader finds it
        ++pieces_;
        const ByteView rest = ima::MemoryLog(log_).at(offset)->bytes;
        piece_ = to_bytes(rest.first(std::min(size_, rest.size())));
        return Piece{piece_, piece_.size() == rest.size()};
    }
    std::size_t pieces() const { return pieces_; }

  private:
    ByteView log_;
    std::size_t size_;
    Bytes piece_;
    Bytes spoiled_;
    std::size_t pieces_ = 0;
};

}  // namespace ratls::test
