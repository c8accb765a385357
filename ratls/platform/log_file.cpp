#include "ratls/platform/log_file.h"

#include <algorithm>

#include "ratls/evidence/ima/log.h"

namespace ratls {

static_assert(FileLog::kWindow > ima::kMaxEntryBytes);

Result<ima::LogSource::Piece> FileLog::at(std::uint64_t offset) {
    window_.resize(kWindow);
    std::size_t have = 0;
    while (have < window_.size()) {
        RATLS_TRY(const std::size_t got,
                  file_->read_at(offset + have, std::span(window_).subspan(have)));
        if (got == 0) {
            break;
        }
        have += got;
    }
    return Piece{ByteView(window_).first(have), have < window_.size()};
}

Status GrowingLog::append(ByteView more) {
    size_ += more.size();
    if (temporary_ == nullptr && size_ <= kMaxInMemory) {
        ratls::append(memory_, more);
        return {};
    }
    if (temporary_ == nullptr) {
        RATLS_TRY(std::unique_ptr<TemporaryFile> file, files_.make_temporary());
        RATLS_CHECK(file->append(memory_));
        temporary_ = file.get();
        file_.emplace(std::move(file));
        memory_ = {};
    }
    return temporary_->append(more);
}

Result<ima::LogSource::Piece> GrowingLog::at(std::uint64_t offset) {
    return file_ ? file_->at(offset) : ima::MemoryLog(memory_).at(offset);
}

Result<std::size_t> GrowingLog::read_at(std::uint64_t offset, std::span<std::uint8_t> into) {
    if (temporary_ != nullptr) {
        return temporary_->read_at(offset, into);
    }
    const ByteView rest =
        ByteView(memory_).subspan(std::min<std::uint64_t>(offset, memory_.size()));
    const std::size_t size = std::min(rest.size(), into.size());
    std::ranges::copy(rest.first(size), into.begin());
    return size;
}

}  // namespace ratls
