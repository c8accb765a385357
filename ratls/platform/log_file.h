// IMA logs that are too long to be held in memory.
#pragma once

#include <optional>

#include "ratls/evidence/ima/log_source.h"
#include "ratls/platform/files.h"

namespace ratls {

/// A list in a file, of which one window is in memory.
class FileLog : public ima::LogSource {
  public:
    static constexpr std::size_t kWindow = std::size_t{4} << 20;

    explicit FileLog(std::unique_ptr<OpenFile> file) : file_(std::move(file)) {}

    Result<Piece> at(std::uint64_t offset) override;

  private:
    std::unique_ptr<OpenFile> file_;
    Bytes window_;
};

/// A list that grows as it comes: in memory while it is short, then in a temporary file.
class GrowingLog : public ima::LogSource {
  public:
    static constexpr std::size_t kMaxInMemory = std::size_t{16} << 20;

    /// `files`: where the temporary file is made; it outlives this.
    explicit GrowingLog(Files& files) : files_(files) {}

    Status append(ByteView more);
    std::uint64_t size() const { return size_; }
    Result<Piece> at(std::uint64_t offset) override;
    /// As OpenFile: gives the number of bytes, 0 behind the end.
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> into);

  private:
    Files& files_;
    std::uint64_t size_ = 0;
    Bytes memory_;
    TemporaryFile* temporary_ = nullptr;  ///< what `file_` reads
    std::optional<FileLog> file_;
};

}  // namespace ratls
