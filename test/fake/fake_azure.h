// A confidential VM under Azure's paravisor, in memory: virtual TPM and metadata service.
#pragma once

#include <string>

#include "ratls/platform/quote_provider_azure.h"
#include "test/fake/fake_http_client.h"
#include "test/fake/fake_tpm.h"
#include "test/fake/pretended_tee.h"

namespace ratls::test {

class FakeAzure {
  public:
    /// With an SNP report of this TEE, or a TDREPORT that nobody signed.
    FakeAzure(PretendedTee& tee, hcl::ReportType type);
    FakeAzure(const FakeAzure&) = delete;
    FakeAzure& operator=(const FakeAzure&) = delete;

    FakeTpm tpm;
    FakeHttpClient http;

    // What can go wrong; free to change.
    unsigned slow_reads = 2;         ///< so many reads, the report is the old one
    unsigned torn_reads = 0;         ///< so many reads, half of it is
    std::size_t nv_size = 2600;      ///< of the report, with zeros behind it
    bool ignores_user_data = false;  ///< it never renews

    /// As the paravisor writes it, without zeros behind it.
    Bytes report(const std::string& user_data) const;

  private:
    void before_read();

    PretendedTee& tee_;
    hcl::ReportType type_;
    std::string user_data_;
    std::string next_;  ///< hex; empty if nothing was asked
};

}  // namespace ratls::test
