#include "ratls/collect/carried.h"

#include <algorithm>

#include "ratls/base/text.h"
#include "ratls/evidence/endorsement/document.h"
#include "ratls/evidence/snp/vek.h"
#include "ratls/platform/named_files.h"

namespace ratls {
namespace {

using Documents = std::vector<endorsement::Document>;

constexpr std::size_t kMaxDocument = std::size_t{1} << 20;

constexpr std::string_view kIntelRoot = "Intel SGX Root CA";
constexpr std::string_view kIntelPckCas = "Intel SGX PCK ";  // Platform CA, Processor CA
constexpr std::string_view kIntelSigner = "Intel SGX TCB Signing";

/// One file, with what its errors begin with.
class CarriedFile {
  public:
    static Result<CarriedFile> read(std::string_view option, const std::string& path,
                                    Files& files) {
        CarriedFile out;
        out.where_ = std::string(option) + " " + quoted(path, 300);
        RATLS_TRY(out.content_, read_named(files, option, path, kMaxDocument));
        return out;
    }

    const Bytes& content() const { return content_; }

    Result<Documents> documents(std::string_view wanted) const {
        auto out = endorsement::read_documents(content_);
        if (out) {
            return out;
        }
        if (const auto wrapped = endorsement::unwrap(content_)) {
            return refuse(std::string(wanted) + " wanted; this is " + std::string(wrapped->form) +
                          ": " + std::string(wrapped->command));
        }
        return refuse(std::string(wanted) + " wanted: " + out.error().text());
    }

    /// The only document, of this type.
    template <typename T>
    Result<T> single(std::string_view wanted) const {
        RATLS_TRY(Documents all, documents(wanted));
        if (all.size() != 1 || !std::holds_alternative<T>(all.front())) {
            return refuse(std::string(wanted) + " wanted, and nothing else");
        }
        return std::get<T>(std::move(all.front()));
    }

    std::unexpected<Error> refuse(std::string what) const {
        return fail(Code::malformed, where_, std::move(what));
    }

  private:
    std::string where_;
    Bytes content_;
};

Status add_vek(const std::string& path, Files& files, cert::Endorsements& out) {
    constexpr std::string_view kWanted = "a VCEK or VLEK certificate";
    RATLS_TRY(const CarriedFile file, CarriedFile::read("vek", path, files));
    RATLS_TRY(const Certificate certificate, file.single<Certificate>(kWanted));
    if (const auto vek = snp::parse_vek(certificate); !vek) {
        return file.refuse(std::string(kWanted) + " wanted: " + vek.error().text());
    }
    out.documents[cert::endorsement::kVek] = to_bytes(certificate.der());
    return {};
}

/// AMD serves the intermediate with the root behind it.
Status add_ask(const std::string& path, Files& files, cert::Endorsements& out) {
    constexpr std::string_view kWanted = "an ASK or ASVK certificate (SEV-..., a CA)";
    RATLS_TRY(const CarriedFile file, CarriedFile::read("ask", path, files));
    RATLS_TRY(const Documents all, file.documents(kWanted));
    const auto* ask = std::get_if<Certificate>(&all.front());
    if (ask == nullptr || !ask->is_ca() || !ask->common_name().starts_with("SEV-")) {
        return file.refuse(std::string(kWanted) + " wanted first");
    }
    const auto* root = all.size() == 2 ? std::get_if<Certificate>(&all.back()) : nullptr;
    if (all.size() > 1 && (root == nullptr || !equal(ask->issuer(), root->subject()))) {
        return file.refuse("nothing behind it but its issuer wanted");
    }
    out.documents[cert::endorsement::kAsk] = to_bytes(ask->der());
    return {};
}

Result<Bytes> read_crl(std::string_view option, const std::string& path, Files& files,
                       std::string_view issuer) {
    RATLS_TRY(const CarriedFile file, CarriedFile::read(option, path, files));
    const std::string wanted = "a revocation list of " + std::string(issuer) + "...";
    RATLS_TRY(const Crl crl, file.single<Crl>(wanted));
    if (!common_name(crl.issuer()).starts_with(issuer)) {
        return file.refuse(wanted + " wanted, the issuer is " + quoted(common_name(crl.issuer())));
    }
    return to_bytes(crl.der());
}

/// Bytes as they were delivered: signed.
template <typename T>
Result<Bytes> read_json(const std::string& path, Files& files, std::string_view wanted) {
    RATLS_TRY(CarriedFile file, CarriedFile::read("collateral", path, files));
    RATLS_TRY(const auto document, file.single<endorsement::Collateral<T>>(wanted));
    static_cast<void>(document);
    return file.content();
}

/// Signer first. The signer of TCB info and QE identity is the same, and the PCK's CA comes with
/// the quote.
Result<Bytes> read_signer_chain(const std::string& path, Files& files) {
    constexpr std::string_view kWanted = "the chain of Intel's TCB signer";
    RATLS_TRY(const CarriedFile file, CarriedFile::read("collateral", path, files));
    RATLS_TRY(const Documents all, file.documents(kWanted));
    const bool certificates = std::ranges::all_of(
        all, [](const auto& one) { return std::holds_alternative<Certificate>(one); });
    if (!certificates || std::get<Certificate>(all.front()).common_name() != kIntelSigner) {
        return file.refuse(std::string(kWanted) + " wanted, signer first");
    }
    return file.content();
}

Status add_collateral(const std::string& folder, Files& files, cert::Endorsements& out) {
    namespace key = cert::endorsement;
    const std::vector<std::string> paths = collateral_files(folder);
    RATLS_TRY(out.documents[key::kTcbInfo], read_json<dcap::TcbInfo>(paths[0], files, "TCB info"));
    RATLS_TRY(out.documents[key::kQeIdentity],
              read_json<dcap::QeIdentity>(paths[1], files, "QE identity"));
    RATLS_TRY(out.documents[key::kPckCrl], read_crl("collateral", paths[2], files, kIntelPckCas));
    RATLS_TRY(out.documents[key::kRootCrl], read_crl("collateral", paths[3], files, kIntelRoot));
    RATLS_TRY(out.documents[key::kIssuerChains], read_signer_chain(paths[4], files));
    return {};
}

}  // namespace

std::vector<std::string> collateral_files(const std::string& folder) {
    if (folder.empty()) {
        return {};
    }
    return {folder + "/tcb_info.json", folder + "/qe_identity.json", folder + "/pck.crl.der",
            folder + "/root_ca.crl.der", folder + "/tcb_info_issuer_chain.pem"};
}

Result<cert::Endorsements> read_carried(const CarriedFiles& paths, Files& files) {
    cert::Endorsements out;
    if (!paths.vek.empty()) {
        RATLS_CHECK(add_vek(paths.vek, files, out));
    }
    if (!paths.ask.empty()) {
        RATLS_CHECK(add_ask(paths.ask, files, out));
    }
    if (!paths.amd_crl.empty()) {
        RATLS_TRY(out.documents[cert::endorsement::kAmdCrl],
                  read_crl("amd_crl", paths.amd_crl, files, "ARK-"));
    }
    if (!paths.collateral.empty()) {
        RATLS_CHECK(add_collateral(paths.collateral, files, out));
    }
    return out;
}

Result<std::vector<Bytes>> read_carried_chain(std::string_view option, const std::string& path,
                                              Files& files) {
    std::vector<Bytes> out;
    if (path.empty()) {
        return out;
    }
    constexpr std::string_view kWanted = "1 to 4 certificates";
    RATLS_TRY(const CarriedFile file, CarriedFile::read(option, path, files));
    RATLS_TRY(const Documents all, file.documents(kWanted));
    for (const endorsement::Document& document : all) {
        const auto* certificate = std::get_if<Certificate>(&document);
        if (certificate == nullptr || out.size() == cert::kMaxAkCertificates) {
            return file.refuse(std::string(kWanted) + " wanted, and nothing else");
        }
        out.push_back(to_bytes(certificate->der()));
    }
    return out;
}

}  // namespace ratls
