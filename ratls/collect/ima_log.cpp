#include "ratls/collect/ima_log.h"

#include <algorithm>

#include "ratls/evidence/ima/log.h"

namespace ratls {
namespace {

constexpr std::size_t kFirstPiece = std::size_t{64} << 10;  // nearly always it is all
constexpr std::size_t kPiece = std::size_t{4} << 20;
static_assert(kPiece > ima::kMaxEntryBytes);

Sha256Digest digest_of(Hasher hasher) {
    Sha256Digest out{};
    std::ranges::copy(hasher.finish().view(), out.begin());
    return out;
}

}  // namespace

Status ImaLog::refresh() {
    const std::lock_guard lock(mutex_);
    return read_new();
}

Status ImaLog::read_new() {
    Status out = read_file();
    if (!out && !out.error().where.starts_with("ima")) {
        return std::unexpected(std::move(out).error().in("ima"));
    }
    return out;
}

Status ImaLog::read_file() {
    RATLS_TRY(const FileStamp stamp, files_.stamp(path_));
    if (file_ == nullptr || !stamp.same_file(stamp_) || stamp.size < stamp_.size) {
        RATLS_CHECK(start_over());
    }
    stamp_ = stamp;
    Bytes piece;
    // The file is read in its order and no byte twice: that costs a kernel least.
    for (std::size_t have = 0;;) {
        piece.resize(have == 0 ? kFirstPiece : kPiece);
        RATLS_TRY(const std::size_t got,
                  file_->read_at(copy_->log.size() + have, std::span(piece).subspan(have)));
        have += got;
        std::size_t used = 0;
        RATLS_CHECK(add_entries(ByteView(piece).first(have), got == 0, used));
        if (got == 0) {
            return {};
        }
        std::copy(piece.begin() + static_cast<std::ptrdiff_t>(used),
                  piece.begin() + static_cast<std::ptrdiff_t>(have), piece.begin());
        have -= used;
    }
}

Status ImaLog::start_over() {
    RATLS_TRY(file_, files_.open(path_));
    copy_ = std::make_shared<Copy>(files_);
    ends_.clear();
    place_ = {};
    return {};
}

/// Appends the whole entries; what may be cut off waits for the next piece.
Status ImaLog::add_entries(ByteView piece, bool last, std::size_t& used) {
    const auto before = static_cast<std::uint32_t>(copy_->log.size());
    ima::LogReader reader(piece, ends_.empty() ? ima::LogReader::kByContent : digest_size_,
                          ends_.size());
    digest_size_ = reader.digest_size();
    ima::Entry entry;
    while ((last || piece.size() - reader.offset() >= ima::kMaxEntryBytes) && reader.next(entry)) {
        if (reader.offset() > ima::kMaxLogBytes - before) {
            return fail(Code::too_large, "ima", "at most 256 MiB wanted");
        }
        ends_.push_back(before + static_cast<std::uint32_t>(reader.offset()));
    }
    used = reader.offset();
    {
        const std::lock_guard lock(copy_->mutex);
        if (Status status = copy_->log.append(piece.first(used)); !status) {
            file_.reset();  // copy and `ends_` may differ now
            return status;
        }
    }
    return reader.status();
}

Status ImaLog::walk(Place& place, const std::function<void(const Place&)>& visit) {
    return ima::replay_log(copy_->log, place.bytes, place.replay,
                           [&](const ima::Entry& entry, const ima::Replay&) {
                               place.hasher.update(entry.raw);
                               place.bytes += entry.raw.size();
                               if (entry.pcr == ima::kImaPcr) {
                                   visit(place);
                               }
                           });
}

Result<cert::ImaClaim> ImaLog::claim() {
    const std::lock_guard lock(mutex_);
    RATLS_CHECK(read_new());
    Place place = place_;
    RATLS_CHECK(walk(place, [](const Place&) {}));
    place_ = std::move(place);
    cert::ImaClaim out;
    out.entries = place_.replay.count();
    out.log_sha256 = digest_of(place_.hasher);
    std::ranges::copy(place_.replay.value(0, ima::kImaPcr).view(), out.pcr10.begin());
    return out;
}

Result<std::optional<cert::ImaPart>> ImaLog::part(ByteView pcr10) {
    const std::lock_guard lock(mutex_);
    std::optional<cert::ImaPart> out;
    const auto look = [&](const Place& place) {
        if (equal(place.replay.value(0, ima::kImaPcr).view(), pcr10)) {
            out = cert::ImaPart{place.replay.count(), digest_of(place.hasher)};
        }
    };
    const std::size_t claimed = place_.replay.count();
    RATLS_CHECK(read_new());
    if (place_.replay.count() != claimed) {
        return std::optional<cert::ImaPart>();  // another file meanwhile
    }
    Place place = place_;
    look(place);
    RATLS_CHECK(walk(place, look));
    return out;
}

void ImaLog::forget() {
    const std::lock_guard lock(mutex_);
    file_.reset();
}

Result<ByteStream> ImaLog::from(std::uint64_t first_entry) {
    const std::lock_guard lock(mutex_);
    RATLS_CHECK(read_new());
    if (first_entry > ends_.size()) {
        return fail(Code::usage, "ima", "the log has " + std::to_string(ends_.size()) + " entries");
    }
    const std::uint64_t begin = first_entry == 0 ? 0 : ends_[first_entry - 1];
    const std::uint64_t size = copy_->log.size() - begin;
    return ByteStream{
        size,
        [copy = std::weak_ptr(copy_), begin, size](
            std::uint64_t offset, std::span<std::uint8_t> into) -> Result<std::size_t> {
            const auto held = copy.lock();
            if (held == nullptr) {
                return fail(Code::unavailable, "ima", "the log was read again");
            }
            const std::uint64_t left = size - std::min(offset, size);
            const std::lock_guard reading(held->mutex);
            return held->log.read_at(begin + offset,
                                     into.first(std::min<std::uint64_t>(left, into.size())));
        }};
}

}  // namespace ratls
