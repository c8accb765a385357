#include "ratls/platform/archive_hash.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <map>

#include "ratls/base/text.h"

namespace ratls {
namespace {

constexpr std::size_t kPiece = std::size_t{64} << 10;
constexpr std::size_t kMaxControl = std::size_t{1} << 20;  // bytes of a package's control file

struct Close {
    void operator()(archive* reader) const { archive_read_free(reader); }
};
using ArchiveReader = std::unique_ptr<archive, Close>;

/// Tar, cpio and the `ar` of Debian packages; none of the other formats that libarchive has.
ArchiveReader make_reader() {
    ArchiveReader out(archive_read_new());
    archive* const reader = out.get();
    archive_read_support_format_tar(reader);
    archive_read_support_format_cpio(reader);
    archive_read_support_format_ar(reader);
    archive_read_support_filter_gzip(reader);
    archive_read_support_filter_bzip2(reader);
    archive_read_support_filter_xz(reader);
    archive_read_support_filter_lzma(reader);
    archive_read_support_filter_zstd(reader);
    archive_read_support_filter_rpm(reader);
    return out;
}

/// The next entry, also one with a name that the locale cannot hold: that is only a warning.
int next_entry(archive* reader, archive_entry*& entry) {
    const int status = archive_read_next_header(reader, &entry);
    return status == ARCHIVE_WARN ? ARCHIVE_OK : status;
}

std::unexpected<Error> failure(archive* reader, const std::string& where) {
    const char* text = archive_error_string(reader);
    return fail(Code::malformed, where, text != nullptr ? text : "it cannot be read");
}

/// A member of an archive that is an archive itself.
class Inner {
  public:
    explicit Inner(archive* outer) : outer_(outer), reader_(make_reader()) {}

    archive* open() {
        return archive_read_open(reader_.get(), this, nullptr, read, nullptr) == ARCHIVE_OK
                   ? reader_.get()
                   : nullptr;
    }
    archive* reader() const { return reader_.get(); }

  private:
    static la_ssize_t read(archive*, void* self, const void** out) {
        auto& inner = *static_cast<Inner*>(self);
        *out = inner.buffer_.data();
        return archive_read_data(inner.outer_, inner.buffer_.data(), inner.buffer_.size());
    }

    archive* outer_;
    ArchiveReader reader_;
    Bytes buffer_ = Bytes(kPiece);
};

/// The raw bytes of a name. libarchive converts only those that a pax header holds, which are
/// UTF-8, and fails where the locale cannot hold them.
std::optional<std::string> raw_name(const char* bytes, const char* utf8) {
    const char* name = bytes != nullptr ? bytes : utf8;
    return name != nullptr ? std::optional<std::string>(name) : std::nullopt;
}

std::optional<std::string> entry_name(archive_entry* entry) {
    return raw_name(archive_entry_pathname(entry), archive_entry_pathname_utf8(entry));
}

/// From "./usr/bin/x" or "usr/bin/x" to "/usr/bin/x"; nothing if a part is "..".
std::optional<std::string> image_path(std::string_view name, bool usr_merge) {
    std::string out;
    while (!name.empty()) {
        const std::size_t slash = std::min(name.find('/'), name.size());
        const std::string_view part = name.substr(0, slash);
        name.remove_prefix(std::min(slash + 1, name.size()));
        if (part == "..") {
            return std::nullopt;
        }
        if (!part.empty() && part != ".") {
            out += "/" + std::string(part);
        }
    }
    const bool merged = usr_merge && (out.starts_with("/bin/") || out.starts_with("/sbin/") ||
                                      out.starts_with("/lib/") || out.starts_with("/lib32/") ||
                                      out.starts_with("/lib64/") || out.starts_with("/libx32/"));
    return merged ? "/usr" + out : out;
}

class ArchiveHash {
  public:
    ArchiveHash(std::string where, const TreeHashOptions& options, bool usr_merge)
        : where_(std::move(where)),
          options_(options),
          usr_merge_(usr_merge),
          hashers_(options.algs.begin(), options.algs.end()) {
        out_.tree.excluded.resize(options.exclude.size());
    }

    Result<ArchiveHashes> run(const std::string& path) {
        const ArchiveReader reader = make_reader();
        const char* name = path == "-" ? nullptr : path.c_str();  // null: standard input
        if (archive_read_open_filename(reader.get(), name, kPiece) != ARCHIVE_OK) {
            return failure(reader.get(), where_);
        }
        RATLS_CHECK(read_outer(reader.get()));
        for (auto& [file, digests] : files_) {
            out_.tree.files.push_back({file, std::move(digests)});
        }
        std::ranges::sort(out_.tree.errors, {}, &Error::where);
        return std::move(out_);
    }

  private:
    Status read_outer(archive* reader) {
        archive_entry* entry = nullptr;
        const int first = next_entry(reader, entry);
        if (first != ARCHIVE_OK) {
            return first == ARCHIVE_EOF ? Status(fail(Code::malformed, where_, "it is empty"))
                                        : failure(reader, where_);
        }
        const bool ar = (archive_format(reader) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_AR;
        return ar ? read_package(reader, entry) : read_files(reader, entry);
    }

    /// Source: deb(5).
    Status read_package(archive* reader, archive_entry* entry) {
        bool data = false;
        int status = ARCHIVE_OK;
        for (; status == ARCHIVE_OK; status = next_entry(reader, entry)) {
            const std::string name = entry_name(entry).value_or("");
            const bool control = name.starts_with("control.tar");
            if (!control && !name.starts_with("data.tar")) {
                continue;
            }
            Inner inner(reader);
            archive_entry* first = nullptr;
            if (inner.open() == nullptr || next_entry(inner.reader(), first) != ARCHIVE_OK) {
                return failure(inner.reader(), where_ + ": " + name);
            }
            if (control) {
                RATLS_CHECK(read_control(inner.reader(), first));
            } else {
                RATLS_CHECK(read_files(inner.reader(), first));
                data = true;
            }
        }
        if (status != ARCHIVE_EOF) {
            return failure(reader, where_);
        }
        return data ? Status() : fail(Code::malformed, where_, "an archive without data.tar");
    }

    Status read_control(archive* reader, archive_entry* entry) {
        int status = ARCHIVE_OK;
        for (; status == ARCHIVE_OK; status = next_entry(reader, entry)) {
            if (image_path(entry_name(entry).value_or(""), false) != "/control") {
                continue;
            }
            std::string text(kMaxControl, '\0');
            const la_ssize_t size = archive_read_data(reader, text.data(), text.size());
            if (size < 0) {
                return failure(reader, where_ + ": control");
            }
            text.resize(static_cast<std::size_t>(size));
            const std::string package = control_field(text, "Package");
            const std::string version = control_field(text, "Version");
            if (!package.empty() && !version.empty()) {
                out_.source = package + " " + version;
            }
        }
        return status == ARCHIVE_EOF ? Status() : failure(reader, where_ + ": control");
    }

    static std::string control_field(std::string_view text, std::string_view name) {
        const std::string key = "\n" + std::string(name) + ": ";
        const std::string with_start = "\n" + std::string(text);
        const std::size_t at = with_start.find(key);
        if (at == std::string::npos) {
            return {};
        }
        const std::size_t begin = at + key.size();
        return with_start.substr(begin, with_start.find('\n', begin) - begin);
    }

    Status read_files(archive* reader, archive_entry* entry) {
        int status = ARCHIVE_OK;
        for (; status == ARCHIVE_OK; status = next_entry(reader, entry)) {
            RATLS_CHECK(read_entry(reader, entry));
        }
        return status == ARCHIVE_EOF ? Status() : failure(reader, where_);
    }

    Status read_entry(archive* reader, archive_entry* entry) {
        const auto name = entry_name(entry);
        const auto path = name ? image_path(*name, usr_merge_) : std::nullopt;
        if (!path || (path->empty() && archive_entry_filetype(entry) != AE_IFDIR)) {
            refuse(name.value_or("?"), "a path that leaves the image, or has no name");
            return {};
        }
        if (excluded(*path) || archive_entry_filetype(entry) == AE_IFDIR) {
            return {};
        }
        if (const auto target =
                raw_name(archive_entry_hardlink(entry), archive_entry_hardlink_utf8(entry))) {
            return take_hard_link(reader, *path, *target, archive_entry_size(entry) > 0);
        } else if (archive_entry_filetype(entry) == AE_IFLNK) {
            ++out_.tree.links;
        } else if (archive_entry_filetype(entry) != AE_IFREG) {
            refuse(*path, "it is a device, a pipe or a socket");
        } else if (path->size() > kMaxImaPath) {
            refuse(*path, "its path is longer than the kernel logs");
        } else {
            return hash_file(reader, *path);
        }
        return {};
    }

    Status hash_file(archive* reader, const std::string& path) {
        for (Hasher& hasher : hashers_) {
            hasher.reset();
        }
        for (;;) {
            const la_ssize_t got = archive_read_data(reader, buffer_.data(), buffer_.size());
            if (got < 0) {
                return failure(reader, where_ + ": " + quoted(path, 300));
            }
            if (got == 0) {
                break;
            }
            for (Hasher& hasher : hashers_) {
                hasher.update(ByteView(buffer_).first(static_cast<std::size_t>(got)));
            }
        }
        std::vector<Digest>& digests = files_[path];
        digests.clear();
        for (Hasher& hasher : hashers_) {
            digests.push_back(hasher.finish());
        }
        if (options_.progress) {
            options_.progress(files_.size());
        }
        return {};
    }

    /// In tar the content comes with the first name, in cpio with the last one, and all before have
    /// none.
    Status take_hard_link(archive* reader, const std::string& path, const std::string& target,
                          bool has_content) {
        const auto target_path = image_path(target, usr_merge_);
        if (!target_path || !files_.contains(*target_path)) {
            refuse(path,
                   "a hard link to " + quoted(target, 300) + ", which is not there before it");
            return {};
        }
        std::vector<std::string>& names = links_[*target_path];
        names.push_back(path);
        if (has_content) {
            RATLS_CHECK(hash_file(reader, *target_path));
        }
        const std::vector<Digest> digests = files_[*target_path];
        for (const std::string& name : names) {
            files_[name] = digests;
        }
        return {};
    }

    void refuse(const std::string& path, std::string why) {
        out_.tree.errors.push_back({Code::io, where_ + ": " + quoted(path, 300), std::move(why)});
    }

    /// A pattern for a folder leaves out what is below, as in a tree.
    bool excluded(const std::string& path) {
        bool found = false;
        for (std::size_t i = 0; i < options_.exclude.size(); ++i) {
            for (std::size_t end = path.find('/', 1); !path.empty();
                 end = path.find('/', end + 1)) {
                if (leaves_out(options_.exclude[i], std::string_view(path).substr(0, end))) {
                    ++out_.tree.excluded[i];
                    found = true;
                    break;
                }
                if (end == std::string::npos) {
                    break;
                }
            }
        }
        return found;
    }

    std::string where_;
    const TreeHashOptions& options_;
    bool usr_merge_;
    std::vector<Hasher> hashers_;
    Bytes buffer_ = Bytes(kPiece);
    std::map<std::string, std::vector<Digest>> files_;
    std::map<std::string, std::vector<std::string>> links_;  ///< other names, by the first one
    ArchiveHashes out_;
};

}  // namespace

Result<ArchiveHashes> hash_archive(const std::string& path, const TreeHashOptions& options,
                                   bool usr_merge) {
    const std::size_t slash = path.rfind('/');
    RATLS_TRY(ArchiveHashes out, ArchiveHash(quoted(path, 300), options, usr_merge).run(path));
    if (out.source.empty()) {
        out.source = path == "-" ? "standard input" : path.substr(slash + 1);  // npos + 1 is 0
    }
    return out;
}

}  // namespace ratls
