// Takes typed fields out of a parsed CBOR tree. For ratls/cert only.
#pragma once

#include <initializer_list>

#include "ratls/codec/cbor.h"
#include "ratls/crypto/hash.h"

namespace ratls::cert {

/// Labels and claims from here on are ignored if unknown; below, unknown is an error.
inline constexpr std::uint64_t kFirstIgnored = 64;

/// The item of an array; null if it has none such, or is no array.
const cbor::Value* at(const cbor::Value* array, std::size_t index);

/// As Reader, for trees: the first failure sticks, later fields come out empty. A null value is a
/// missing one. Names are string literals.
class Fields {
  public:
    explicit Fields(std::string_view name) : name_(name) {}

    bool ok() const { return !failed_; }

    std::uint64_t uint(const cbor::Value* value, std::uint64_t least, std::uint64_t most,
                       std::string_view field) {
        return number(value, least, most, field, Code::malformed);
    }
    /// A version, kind or algorithm; another one than these is `Code::unsupported`.
    std::uint64_t known(const cbor::Value* value, std::uint64_t least, std::uint64_t most,
                        std::string_view field) {
        return number(value, least, most, field, Code::unsupported);
    }
    /// Views into the input.
    ByteView bytes(const cbor::Value* value, std::size_t least, std::size_t most,
                   std::string_view field);
    Sha256Digest digest(const cbor::Value* value, std::string_view field);
    /// 1 to `most` printable ASCII characters without space.
    std::string word(const cbor::Value* value, std::size_t most, std::string_view field);
    /// The number of items of an array, 0 if it is not within the bounds.
    std::size_t array(const cbor::Value* value, std::size_t least, std::size_t most,
                      std::string_view field);
    std::vector<Sha256Digest> digests(const cbor::Value* value, std::size_t most,
                                      std::string_view field);
    std::vector<std::string> words(const cbor::Value* value, std::size_t most,
                                   std::size_t most_characters, std::string_view field);
    /// A map whose keys are all integers, `known` or at least `kFirstIgnored`, or the one text key.
    void known_keys(const cbor::Value& map, std::initializer_list<std::uint64_t> known,
                    std::string_view text_key, std::string_view field);

    void fail(Code code, std::string_view field, std::string what);

    Status status() const { return failed_ ? Status(std::unexpected(error_)) : Status(); }

    template <typename T>
    Result<T> finish(T value) {
        if (failed_) {
            return std::unexpected(error_);
        }
        return value;
    }

  private:
    std::uint64_t number(const cbor::Value* value, std::uint64_t least, std::uint64_t most,
                         std::string_view field, Code otherwise);
    /// False, and a failure, if the value is missing or of another kind.
    bool want(const cbor::Value* value, cbor::Value::Kind kind, std::string_view field);

    std::string_view name_;
    bool failed_ = false;
    Error error_;
};

}  // namespace ratls::cert
