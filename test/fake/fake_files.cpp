#include "test/fake/fake_files.h"

#include <algorithm>
#include <limits>

#include "ratls/base/text.h"

namespace ratls::test {
namespace {

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::unexpected<Error> missing(const std::string& path) {
    return fail(Code::unavailable, quoted(path, 300), "No such file or directory");
}

}  // namespace

Status FakeFiles::check(const std::string& path) const {
    if (const auto found = broken_.find(path); found != broken_.end()) {
        return fail(found->second, quoted(path, 300), "broken on purpose");
    }
    return {};
}

FakeFiles::File FakeFiles::made(ByteView content, unsigned mode) {
    return {std::make_shared<Bytes>(to_bytes(content)), ++last_inode_, mode, ++last_change_ns_};
}

Result<Bytes> FakeFiles::read(const std::string& path, std::size_t max_bytes) {
    RATLS_CHECK(check(path));
    if (directories_.contains(path)) {
        return fail(Code::io, quoted(path, 300), "Is a directory");
    }
    const auto found = files_.find(path);
    if (found == files_.end()) {
        return missing(path);
    }
    if (found->second.content->size() > max_bytes) {
        return fail(Code::too_large, quoted(path, 300),
                    "at most " + std::to_string(max_bytes) + " bytes wanted");
    }
    return *found->second.content;
}

namespace {

/// It sees what is written to this file, not what replaces it.
class FakeOpenFile final : public TemporaryFile {
  public:
    explicit FakeOpenFile(std::shared_ptr<Bytes> content) : content_(std::move(content)) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> into) override {
        const auto rest = ByteView(*content_).subspan(
            static_cast<std::size_t>(std::min<std::uint64_t>(offset, content_->size())));
        const std::size_t size = std::min(rest.size(), into.size());
        std::ranges::copy(rest.first(size), into.begin());
        return size;
    }
    Status append(ByteView more) override {
        ratls::append(*content_, more);
        return {};
    }

  private:
    std::shared_ptr<Bytes> content_;
};

}  // namespace

Result<bool> FakeFiles::exists(const std::string& path) {
    RATLS_CHECK(check(path));
    return files_.contains(path) || directories_.contains(path);
}

std::uint64_t FakeFiles::size(const std::string& path) {
    const auto found = files_.find(path);
    return found == files_.end() ? 0 : found->second.content->size();
}

Result<FileStamp> FakeFiles::stamp(const std::string& path) {
    RATLS_CHECK(read(path, std::numeric_limits<std::size_t>::max()));
    const File& file = files_.at(path);
    return FileStamp{1, file.inode, file.content->size(), file.modified_ns};
}

Result<std::unique_ptr<OpenFile>> FakeFiles::open(const std::string& path) {
    RATLS_CHECK(read(path, std::numeric_limits<std::size_t>::max()));
    return std::make_unique<FakeOpenFile>(files_.at(path).content);
}

Result<std::unique_ptr<TemporaryFile>> FakeFiles::make_temporary() {
    return std::make_unique<FakeOpenFile>(std::make_shared<Bytes>());
}

Status FakeFiles::write(const std::string& path, ByteView content) {
    RATLS_CHECK(check(path));
    const auto found = files_.find(path);
    if (found == files_.end()) {
        return missing(path);
    }
    Bytes& old = *found->second.content;
    old.resize(std::max(old.size(), content.size()));
    std::ranges::copy(content, old.begin());
    found->second.modified_ns = ++last_change_ns_;
    return {};
}

Status FakeFiles::replace(const std::string& path, ByteView content, unsigned mode) {
    RATLS_CHECK(check(path));
    if (!directories_.contains(parent_of(path))) {
        return missing(path);
    }
    if (directories_.contains(path)) {
        return fail(Code::io, quoted(path, 300), "Is a directory");
    }
    files_[path] = made(content, mode);
    return {};
}

namespace {

class FakeLock final : public FileLock {
  public:
    FakeLock(std::set<std::string>& locked, std::string path)
        : locked_(locked), path_(std::move(path)) {
        locked_.insert(path_);
    }
    ~FakeLock() override { locked_.erase(path_); }

  private:
    std::set<std::string>& locked_;
    std::string path_;
};

}  // namespace

Result<std::unique_ptr<FileLock>> FakeFiles::lock(const std::string& path,
                                                  std::chrono::milliseconds /*most*/) {
    if (!files_.contains(path)) {
        RATLS_CHECK(replace(path, {}, 0600));
    }
    RATLS_CHECK(check(path));
    if (locked_.contains(path)) {
        return fail(Code::unavailable, quoted(path, 300), "another process holds this lock");
    }
    return std::make_unique<FakeLock>(locked_, path);
}

Status FakeFiles::make_directory(const std::string& path) {
    RATLS_CHECK(check(path));
    if (directories_.contains(path) || files_.contains(path)) {
        return fail(Code::io, quoted(path, 300), "File exists");
    }
    if (!directories_.contains(parent_of(path))) {
        return missing(path);
    }
    directories_.insert(path);
    return {};
}

Status FakeFiles::remove_directory(const std::string& path) {
    RATLS_CHECK(check(path));
    if (!directories_.contains(path)) {
        return missing(path);
    }
    const auto inside = [&](const std::string& other) { return parent_of(other) == path; };
    if (std::ranges::any_of(files_, inside, [](const auto& file) { return file.first; }) ||
        std::ranges::any_of(directories_, inside)) {
        return fail(Code::io, quoted(path, 300), "Directory not empty");
    }
    directories_.erase(path);
    return {};
}

bool FakeFiles::is_directory(const std::string& path) {
    return directories_.contains(path);
}

bool FakeFiles::same_file(const std::string& first, const std::string& second) {
    return first == second && !directories_.contains(first);
}

Result<std::vector<std::string>> FakeFiles::list(const std::string& path) {
    RATLS_CHECK(check(path));
    if (!directories_.contains(path)) {
        return missing(path);
    }
    std::vector<std::string> names;
    for (const auto& [file, content] : files_) {
        if (parent_of(file) == path) {
            names.push_back(file.substr(file.rfind('/') + 1));
        }
    }
    std::ranges::sort(names);
    return names;
}

Result<std::vector<std::string>> FakeFiles::list_directories(const std::string& path) {
    RATLS_CHECK(check(path));
    if (!directories_.contains(path)) {
        return missing(path);
    }
    std::vector<std::string> names;
    for (const std::string& directory : directories_) {
        if (directory != "/" && parent_of(directory) == path) {
            names.push_back(directory.substr(directory.rfind('/') + 1));
        }
    }
    return names;  // sorted, as the set is
}

void FakeFiles::put(const std::string& path, ByteView content) {
    put_directory(parent_of(path));
    files_[path] = made(content);
}

void FakeFiles::append(const std::string& path, ByteView more) {
    File& file = files_.at(path);
    ratls::append(*file.content, more);
    file.modified_ns = ++last_change_ns_;
}

void FakeFiles::overwrite(const std::string& path, ByteView content) {
    File& file = files_.at(path);
    *file.content = to_bytes(content);
    file.modified_ns = ++last_change_ns_;
}

void FakeFiles::put_directory(const std::string& path) {
    for (std::string at = path; directories_.insert(at).second;) {
        at = parent_of(at);
    }
}

unsigned FakeFiles::mode(const std::string& path) const {
    const auto found = files_.find(path);
    return found == files_.end() ? 0 : found->second.mode;
}

}  // namespace ratls::test
