// configfs-tsm in memory, with the pretended TEE behind it.
#pragma once

#include <optional>

#include "ratls/platform/quote_provider_tsm.h"
#include "test/fake/fake_files.h"
#include "test/fake/pretended_tee.h"

namespace ratls::test {

/// Behaves as the kernel does below TsmQuoteProvider::kDirectory, and as FakeFiles elsewhere.
/// Source: Linux 6.7, drivers/virt/coco/tsm.c and Documentation/ABI/testing/configfs-tsm.
class FakeTsmFiles : public FakeFiles {
  public:
    explicit FakeTsmFiles(PretendedTee& tee);

    Result<Bytes> read(const std::string& path, std::size_t max_bytes) override;
    Status write(const std::string& path, ByteView content) override;
    Status replace(const std::string& path, ByteView content, unsigned mode) override;
    Status make_directory(const std::string& path) override;
    Status remove_directory(const std::string& path) override;
    bool is_directory(const std::string& path) override;
    Result<std::vector<std::string>> list(const std::string& path) override;

    /// Entries that were made and not removed.
    std::size_t entries() const { return entries_.size(); }
    unsigned entries_made() const { return entries_made_; }

    // What can go wrong; free to change.
    bool no_provider = false;                    ///< no TEE driver: mkdir fails with ENXIO
    std::string provider = "sev_guest";          ///< the kernel's name of the driver
    unsigned busy_writes = 0;                    ///< so many writes of inblob fail with EBUSY
    unsigned foreign_writes = 0;                 ///< so often, somebody else writes inblob after us
    unsigned privlevel_floor = 0;                ///< the lowest VMPL that this guest may ask for
    bool firmware_fails = false;                 ///< the report is never made: EIO
    bool no_certificates = false;                ///< the host gives no table: auxblob is empty
    std::optional<std::string> generation_text;  ///< instead of the counter
    bool svsm = false;                           ///< the guest runs under one
    Bytes manifest = {'s', 'v', 's', 'm'};       ///< the services that it has

  private:
    struct Entry {
        Bytes inblob;                       // empty: not written yet
        std::optional<unsigned> privlevel;  // as written; else it is the VMPL of `fields`
        std::string service_provider, service_guid, service_manifest_version;
        std::uint64_t generation = 0;
        std::uint64_t report_generation = 0;  // of the report, 0 if there is none
        Bytes report;
    };

    Entry* entry_of(const std::string& path, std::string& attribute);
    Result<Bytes> read_attribute(Entry& entry, const std::string& path,
                                 const std::string& attribute);
    Status make_report(Entry& entry, const std::string& path);
    Status write_inblob(Entry& entry, const std::string& path, ByteView content);
    Status write_service(std::string& attribute, Entry& entry, ByteView content);
    Status write_privlevel(Entry& entry, const std::string& path, ByteView content);

    PretendedTee& tee_;
    std::map<std::string, Entry> entries_;
    unsigned entries_made_ = 0;
};

}  // namespace ratls::test
