// The IMA list of this VM, each entry of which is read once.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ratls/base/byte_stream.h"
#include "ratls/cert/claims.h"
#include "ratls/cert/collection.h"
#include "ratls/evidence/ima/replay.h"
#include "ratls/platform/log_file.h"

namespace ratls {

/// A list that only grows. What was read of it is kept as one copy for all, with its replay and the
/// digest over it, so that another look costs what is new, whatever the length: a kernel would have
/// to write the whole list again to skip a part. A file that became shorter, or is another one, is
/// read from its start. Any thread may call; calls wait for one another.
class ImaLog {
  public:
    /// `files` outlives it, and is where the copy of a long list is kept.
    ImaLog(std::string path, Files& files) : path_(std::move(path)), files_(files) {}

    /// Reads what is new. Fails as `Files` does, `malformed` and the like for what is no list, and
    /// `too_large` beyond `ima::kMaxLogBytes`.
    Status refresh();
    /// What claim 4 says of the list as it is now.
    Result<cert::ImaClaim> claim();
    /// The longest prefix that replays to this PCR 10 and is no shorter than that of the last
    /// `claim`; none if there is no such prefix. Between the two, one thread only.
    Result<std::optional<cert::ImaPart>> part(ByteView pcr10);
    /// The list is read from its start at the next call.
    void forget();

    /// The list from this entry on, as it is now; its bytes are gone once the list was read again
    /// from its start. Fails with `usage` beyond the end.
    Result<ByteStream> from(std::uint64_t first_entry);

    const std::string& path() const { return path_; }

  private:
    /// What streams read. They do not keep it.
    struct Copy {
        explicit Copy(Files& files) : log(files) {}
        std::mutex mutex;  ///< of appending, and of reading in a stream
        GrowingLog log;
    };
    /// How far the list was replayed.
    struct Place {
        ima::Replay replay = ima::Replay({{HashAlg::sha256, ima::BankMode::hashed}});
        Hasher hasher{HashAlg::sha256};  ///< over the raw bytes
        std::uint64_t bytes = 0;
    };

    Status read_new();
    Status read_file();
    Status start_over();
    Status add_entries(ByteView piece, bool last, std::size_t& used);
    /// Goes on to the end of the copy; `visit` sees the place behind each entry of PCR 10.
    Status walk(Place& place, const std::function<void(const Place&)>& visit);

    std::mutex mutex_;  ///< of all below
    std::string path_;
    Files& files_;
    std::unique_ptr<OpenFile> file_;  ///< none: to be read from the start
    FileStamp stamp_;                 ///< of `file_`
    std::shared_ptr<Copy> copy_;
    std::vector<std::uint32_t> ends_;  ///< of each entry in the copy, bytes from its start
    std::size_t digest_size_ = 0;      ///< bytes of the template digests, once there is an entry
    Place place_;                      ///< of the last `claim`
};

}  // namespace ratls
