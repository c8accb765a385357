// IMA lists for tests, with the PCR values that they lead to. Computed from the pieces with the
// plain hash function, not with the code under test.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ratls/base/writer.h"
#include "ratls/crypto/hash.h"

namespace ratls::test {

/// Bytes of a text.
inline Bytes text_bytes(std::string_view text) {
    return to_bytes(as_bytes(text));
}

/// The field d-ng, or with a type ("ima", "verity") d-ngv2.
inline Bytes digest_field(std::string_view alg, ByteView digest, std::string_view type = {}) {
    Bytes out;
    for (const std::string_view part : {type, alg}) {
        append(out, as_bytes(part));
        if (!part.empty()) {
            out.push_back(':');
        }
    }
    out.push_back(0);
    append(out, digest);
    return out;
}

/// The field n-ng.
inline Bytes name_field(std::string_view path) {
    Bytes out = text_bytes(path);
    out.push_back(0);
    return out;
}

/// Builds a list entry by entry.
class ImaBuilder {
  public:
    /// `list`: the algorithm of the template digests that the list holds.
    explicit ImaBuilder(HashAlg list = HashAlg::sha1) : list_(list) {}

    /// An ima-ng entry for a file with this SHA-256.
    ImaBuilder& add(std::string_view path, ByteView sha256, std::uint32_t pcr = 10) {
        return add_fields("ima-ng", {digest_field("sha256", sha256), name_field(path)}, pcr);
    }

    /// An ima-sig entry; the signature may be empty.
    ImaBuilder& add_signed(std::string_view path, ByteView sha256, ByteView signature) {
        return add_fields("ima-sig",
                          {digest_field("sha256", sha256), name_field(path), to_bytes(signature)});
    }

    /// An ima-ng entry that says that a file was written while it was measured.
    ImaBuilder& add_violation(std::string_view path) {
        const Bytes zeros(32);
        return add_violation_fields("ima-ng", {digest_field("sha256", zeros), name_field(path)});
    }

    /// An entry of any template but "ima".
    ImaBuilder& add_fields(std::string_view name, const std::vector<Bytes>& fields,
                           std::uint32_t pcr = 10) {
        return add_data(name, join(fields), pcr, false);
    }
    ImaBuilder& add_violation_fields(std::string_view name, const std::vector<Bytes>& fields,
                                     std::uint32_t pcr = 10) {
        return add_data(name, join(fields), pcr, true);
    }

    /// An entry whose template data is any bytes.
    ImaBuilder& add_data(std::string_view name, ByteView data, std::uint32_t pcr, bool violation) {
        put_header(name, data, pcr, violation);
        log_.u32_le(static_cast<std::uint32_t>(data.size())).bytes(data);
        return *this;
    }

    /// An entry of the first template, "ima": no lengths, and 256 bytes of name are hashed.
    ImaBuilder& add_legacy(std::string_view path, ByteView sha1) {
        Bytes hashed = to_bytes(sha1);
        append(hashed, as_bytes(path));
        hashed.resize(sha1.size() + 256);
        put_header("ima", hashed, 10, false);
        log_.bytes(sha1).u32_le(static_cast<std::uint32_t>(path.size())).bytes(as_bytes(path));
        return *this;
    }

    const Bytes& log() const { return log_.view(); }
    std::size_t size() const { return entries_.size(); }
    /// Where entry `index` begins; the size of the log for the index behind the last one.
    std::size_t offset(std::size_t index) const {
        return index < entries_.size() ? entries_[index].offset : log_.size();
    }

    /// The PCR after the first `count` entries. `padded`: as kernels without the bank's algorithm
    /// extend it.
    Bytes pcr(HashAlg bank, std::size_t count, std::uint32_t index = 10,
              bool padded = false) const {
        Bytes value(digest_size(bank));
        for (const Recorded& entry : std::span(entries_).first(count)) {
            if (entry.pcr == index) {
                append(value, extended(entry, bank, padded));
                value = to_bytes(hash(bank, value).view());
            }
        }
        return value;
    }
    /// The PCR after all entries.
    Bytes pcr(HashAlg bank = HashAlg::sha256) const { return pcr(bank, entries_.size()); }

  private:
    struct Recorded {
        std::size_t offset;
        std::uint32_t pcr;
        std::optional<Bytes> hashed;  ///< nothing for a violation
    };

    static Bytes join(const std::vector<Bytes>& fields) {
        Writer out;
        for (const Bytes& field : fields) {
            out.u32_le(static_cast<std::uint32_t>(field.size())).bytes(field);
        }
        return out.take();
    }

    static Bytes extended(const Recorded& entry, HashAlg bank, bool padded) {
        const HashAlg alg = padded ? HashAlg::sha1 : bank;
        Bytes out = entry.hashed ? to_bytes(hash(alg, *entry.hashed).view())
                                 : Bytes(digest_size(alg), std::uint8_t{0xff});
        out.resize(digest_size(bank));
        return out;
    }

    void put_header(std::string_view name, ByteView hashed, std::uint32_t pcr, bool violation) {
        entries_.push_back(
            {log_.size(), pcr, violation ? std::nullopt : std::optional(to_bytes(hashed))});
        log_.u32_le(pcr);
        if (violation) {
            log_.zeros(digest_size(list_));
        } else {
            log_.bytes(hash(list_, hashed).view());
        }
        log_.u32_le(static_cast<std::uint32_t>(name.size())).bytes(as_bytes(name));
    }

    HashAlg list_;
    Writer log_;
    std::vector<Recorded> entries_;
};

}  // namespace ratls::test
