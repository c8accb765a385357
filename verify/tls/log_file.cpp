#include "verify/tls/log_file.h"

#include "ratls/evidence/ima/log.h"

namespace ratls::verify {

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

}  // namespace ratls::verify
