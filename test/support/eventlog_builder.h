// Boot event logs for tests.
#pragma once

#include <string_view>
#include <vector>

#include "ratls/base/writer.h"
#include "ratls/crypto/hash.h"

namespace ratls::test {

inline std::uint16_t tpm_alg_id(HashAlg alg) {
    constexpr std::uint16_t kIds[] = {0x0004, 0x000b, 0x000c, 0x000d};
    return kIds[static_cast<std::size_t>(alg)];
}

/// Builds a crypto-agile log, or a legacy one if it is given no banks.
class EventLogBuilder {
  public:
    struct Alg {
        std::uint16_t id;
        std::uint16_t size;
    };

    explicit EventLogBuilder(std::vector<HashAlg> banks) : banks_(std::move(banks)) {
        if (!banks_.empty()) {
            std::vector<Alg> algs;
            for (const HashAlg bank : banks_) {
                algs.push_back({tpm_alg_id(bank), static_cast<std::uint16_t>(digest_size(bank))});
            }
            put_legacy(0, 3, Bytes(20), spec_id(algs));
        }
    }

    /// The data of the header event.
    static Bytes spec_id(const std::vector<Alg>& algs, std::size_t vendor_bytes = 0) {
        Writer out;
        out.bytes(as_bytes("Spec ID Event03")).u8(0).u32_le(0).u8(0).u8(2).u8(0).u8(2);
        out.u32_le(static_cast<std::uint32_t>(algs.size()));
        for (const Alg& alg : algs) {
            out.u16_le(alg.id).u16_le(alg.size);
        }
        return out.u8(static_cast<std::uint8_t>(vendor_bytes)).zeros(vendor_bytes).take();
    }

    /// An event whose data is what is hashed.
    EventLogBuilder& add(std::uint32_t index, std::uint32_t type, ByteView data) {
        return add(index, type, data, data);
    }

    /// An event that hashes something else than its data.
    EventLogBuilder& add(std::uint32_t index, std::uint32_t type, ByteView data, ByteView hashed) {
        if (banks_.empty()) {
            put_legacy(index, type, hash(HashAlg::sha1, hashed).view(), data);
            return *this;
        }
        log_.u32_le(index).u32_le(type).u32_le(static_cast<std::uint32_t>(banks_.size()));
        for (const HashAlg bank : banks_) {
            log_.u16_le(tpm_alg_id(bank)).bytes(hash(bank, hashed).view());
        }
        log_.u32_le(static_cast<std::uint32_t>(data.size())).bytes(data);
        return *this;
    }

    /// TCG_PCR_EVENT.
    EventLogBuilder& put_legacy(std::uint32_t index, std::uint32_t type, ByteView digest,
                                ByteView data) {
        log_.u32_le(index).u32_le(type).bytes(digest);
        log_.u32_le(static_cast<std::uint32_t>(data.size())).bytes(data);
        return *this;
    }

    /// Any bytes.
    EventLogBuilder& put(ByteView bytes) {
        log_.bytes(bytes);
        return *this;
    }

    const Bytes& log() const { return log_.view(); }

  private:
    std::vector<HashAlg> banks_;
    Writer log_;
};

/// UEFI_VARIABLE_DATA with an ASCII name and a zero GUID.
inline Bytes uefi_variable(std::string_view name, ByteView value) {
    Writer out;
    out.zeros(16).u64_le(name.size()).u64_le(value.size());
    for (const char c : name) {
        out.u16_le(static_cast<std::uint16_t>(c));
    }
    return out.bytes(value).take();
}

}  // namespace ratls::test
