// The IMA measurement list of the Linux kernel.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"
#include "ratls/crypto/hash.h"
#include "ratls/evidence/ima/log_source.h"

namespace ratls::ima {

// Limits. Source: Linux security/integrity/ima/ima.h and ima_template.c, with room.
inline constexpr std::size_t kMaxLogBytes = std::size_t{256} << 20;
inline constexpr std::uint32_t kMaxPcr = 23;
inline constexpr std::uint32_t kMaxTemplateName = 255;
inline constexpr std::uint32_t kMaxTemplateData = 1U << 20;  // ima-buf and modsig can be large
inline constexpr std::size_t kMaxPath = 4096;                // PATH_MAX
inline constexpr std::size_t kMaxHashName = 64;              // CRYPTO_MAX_ALG_NAME is 128
inline constexpr std::size_t kMaxFileDigest = 64;
inline constexpr std::size_t kMaxSignature = 65536;  // XATTR_SIZE_MAX
/// Numbers, template digest and name, before the template data; or the whole of a legacy entry.
inline constexpr std::size_t kMaxEntryHeader = 512;
inline constexpr std::size_t kMaxEntryBytes = kMaxEntryHeader + kMaxTemplateData;

/// The PCR that IMA extends unless a policy rule says `pcr=`. Source: CONFIG_IMA_MEASURE_PCR_IDX.
inline constexpr std::uint32_t kImaPcr = 10;

/// The path of entry 0, which stands for no file. Source: Linux ima_init.c, ima_add_boot_aggregate.
inline constexpr std::string_view kBootAggregate = "boot_aggregate";

/// A name as the kernel logs it: with '_' for each space, so two files may have one name.
/// Source: Linux ima_template_lib.c, ima_write_template_field_data.
std::string logged_name(std::string_view name);

/// Bytes of a template digest in the list that every kernel has; it is SHA-1.
inline constexpr std::size_t kSha1DigestSize = 20;

/// One measurement. All views point into the log. What it says is as good as the log's replay into
/// the PCR of this entry; the path of a violation is not even then covered, since only 0xff bytes
/// are extended for it.
struct Entry {
    std::uint32_t pcr = 0;
    ByteView template_digest;          ///< as stored in the log
    std::string_view template_name;    ///< "ima-ng", ...
    ByteView template_data;            ///< as stored, with the lengths of its fields
    bool violation = false;            ///< the stored template digest is zero
    std::string_view file_hash_name;   ///< of file_digest, as the log writes it; "" if none can be
                                       ///< read, as for `path`
    std::optional<HashAlg> file_hash;  ///< the same, if it is one of ours
    ByteView file_digest;              ///< zeros for a violation
    std::string_view path;             ///< without its NUL; untrusted text, any bytes. "" if the
                                       ///< template has none, or may hide another one
    ByteView signature;                ///< "sig" field; empty if there is none
    ByteView buffer;                   ///< "buf" field: what was measured
    bool verity = false;               ///< file_digest is an fs-verity digest
    ByteView raw;                      ///< the whole entry
};

/// Bytes of the template digests in a list, by its first entry: that of the algorithm whose digest
/// it has. 20 if there is none.
std::size_t template_digest_size(ByteView log);

/// Walks a binary list without allocation. A template is known by its name or is a format, as with
/// `ima_template_fmt=`; of others, and of fields that are not known, the data is carried and not
/// read. Refused: fields of another form than they have, lengths beyond the limits above, a
/// violation that carries a digest, signature or buffer, a digest that is not that of the buffer
/// beside it, anything left over. Not checked here: the template digest, which `Replay` computes
/// anyway, and the template's name, which no digest covers.
/// Source: Linux security/integrity/ima/ima_fs.c, ima_measurements_show; ima_template_lib.c.
/// Integers are little-endian (`ima_canonical_fmt`, and every x86).
class LogReader {
  public:
    static constexpr std::size_t kByContent = 0;

    /// `digest_size`: of the template digests, 20, or 32, 48, 64 for the list of one bank, as Linux
    /// 6.10 and later have it (`binary_runtime_measurements_sha256`). `first` is the index of the
    /// first entry, for error messages, if the log is the rest of a longer one.
    explicit LogReader(ByteView log, std::size_t digest_size = kByContent, std::size_t first = 0);

    /// Reads the next entry. False at the end and after a failure; `out` then means nothing.
    bool next(Entry& out);
    /// Where and why reading stopped early.
    Status status() const;
    /// Index of the entry that `next` reads next.
    std::size_t index() const { return index_; }
    /// Bytes read so far.
    std::size_t offset() const { return offset_; }
    /// Bytes of the template digests.
    std::size_t digest_size() const { return digest_size_; }

  private:
    ByteView log_;
    std::size_t digest_size_;
    std::size_t offset_ = 0;
    std::size_t index_;
    std::optional<Error> error_;
};

/// Hands each entry of a list to `visit` until it says no, and fails where `visit` does. The list
/// begins at `offset` of the source with entry `first`. What an entry points into is gone when
/// `piece_over` is called.
Status read_log(LogSource& log, std::uint64_t offset, std::size_t first,
                const std::function<Result<bool>(const Entry&)>& visit,
                const std::function<void()>& piece_over = {});

/// The digest that the kernel extends for an entry: the hash of its template data, 0xff bytes for a
/// violation. For the template "ima" the name is hashed as 256 bytes, zero-padded. `hasher` says
/// the algorithm. Source: Linux ima_crypto.c, ima_calc_field_array_hash_tfm; ima_queue.c,
/// ima_add_template_entry.
Digest template_hash(const Entry& entry, Hasher& hasher);

/// True for the ascii form: a decimal PCR, a space, a hex digest.
bool looks_like_ascii(ByteView log);

/// The binary list that an ascii list stands for, with template digests of the size that it has.
/// Only an approximation: a newline in a path makes the ascii form ambiguous, so prefer the binary
/// one. Refused: a template with a field that is not known, since its ascii form may be anything.
Result<Bytes> ascii_to_binary(std::string_view ascii);

}  // namespace ratls::ima
