#include "verify/endorsements.h"

#include <algorithm>
#include <array>

namespace ratls::verify {
namespace {

using endorsement::Document;
using endorsement::Form;
namespace keys = cert::endorsement;

/// The kinds of a key of label 6.
enum class Carried : std::uint8_t { certificate, crl, tcb_info, qe_identity };

struct Key {
    std::uint64_t number;
    Carried kind;
    std::string_view name;
};

constexpr std::array<Key, 8> kKeys = {{
    {keys::kVek, Carried::certificate, "VEK"},
    {keys::kAsk, Carried::certificate, "ASK"},
    {keys::kAmdCrl, Carried::crl, "AMD's revocation list"},
    {keys::kTcbInfo, Carried::tcb_info, "TCB info"},
    {keys::kQeIdentity, Carried::qe_identity, "QE identity"},
    {keys::kPckCrl, Carried::crl, "PCK revocation list"},
    {keys::kRootCrl, Carried::crl, "revocation list of the root"},
    {keys::kIssuerChains, Carried::certificate, "issuer chains"},
}};

bool must_read(std::string_view path, ByteView beginning) {
    constexpr std::array<std::string_view, 5> kEndings = {".der", ".crt", ".cer", ".crl", ".pem"};
    constexpr std::array<std::string_view, 2> kNames = {"tcb_info.json", "qe_identity.json"};
    const std::string_view name = path.substr(path.rfind('/') + 1);
    return std::ranges::any_of(kEndings, [&](auto ending) { return name.ends_with(ending); }) ||
           std::ranges::find(kNames, name) != kNames.end() ||
           endorsement::form_of(beginning) == Form::der ||
           as_text(beginning).starts_with("-----BEGIN ");
}

template <typename T>
bool same(const T& a, const T& b) {
    return equal(a.der(), b.der());
}

template <typename T>
bool same(const endorsement::Collateral<T>& a, const endorsement::Collateral<T>& b) {
    return a.sha256 == b.sha256;
}

}  // namespace

void Endorsements::add(Document document, const EndorsementSource& source) {
    const auto add_to = [&]<typename T>(std::vector<Endorsement<T>>& place, T& own) {
        const bool known = std::ranges::any_of(
            place, [&](const Endorsement<T>& there) { return same(there.document, own); });
        if (!known) {
            place.push_back({std::move(own), source});
        }
    };
    if (auto* certificate = std::get_if<Certificate>(&document)) {
        add_to(certificates_, *certificate);
    } else if (auto* crl = std::get_if<Crl>(&document)) {
        add_to(crls_, *crl);
    } else if (auto* info = std::get_if<endorsement::Collateral<dcap::TcbInfo>>(&document)) {
        add_to(tcb_infos_, *info);
    } else {
        add_to(qe_identities_, std::get<endorsement::Collateral<dcap::QeIdentity>>(document));
    }
}

void Endorsements::add_file(const std::string& name, ByteView content) {
    const EndorsementSource source{name};
    auto documents = endorsement::read_documents(content);
    std::string fault = documents ? "" : documents.error().text();
    const auto wrapped = documents ? std::nullopt : endorsement::unwrap(content);
    if (wrapped) {
        fault.clear();
        documents.emplace();
        for (const Bytes& plain : wrapped->plain) {
            auto part = endorsement::read_documents(plain);
            if (!part) {
                fault = std::string(wrapped->form) + ": " + part.error().text();
                break;
            }
            std::ranges::move(*part, std::back_inserter(*documents));
        }
    }
    if (!fault.empty()) {
        faults_.push_back({source, std::move(fault)});
        return;
    }
    for (Document& document : *documents) {
        add(std::move(document), source);
    }
}

void Endorsements::add_found(const std::string& name, ByteView content) {
    auto documents = endorsement::read_documents(content);
    if (!documents && must_read(name, content)) {
        std::string fault = documents.error().text();
        if (const auto wrapped = endorsement::unwrap(content)) {
            fault = std::string(wrapped->form) +
                    ", which is taken only from a file that is named itself; or convert it: " +
                    std::string(wrapped->command);
        }
        faults_.push_back({{name}, std::move(fault)});
    } else if (!documents) {
        skipped_.push_back(name);
    } else {
        for (Document& document : *documents) {
            add(std::move(document), {name});
        }
    }
}

void Endorsements::add_too_large(const std::string& name, ByteView beginning,
                                 std::size_t max_bytes) {
    if (must_read(name, beginning)) {
        faults_.push_back({{name}, "more than " + std::to_string(max_bytes) + " bytes"});
    } else {
        skipped_.push_back(name);
    }
}

void Endorsements::add_carried(const cert::Endorsements& carried) {
    for (const Key& key : kKeys) {
        add_key(carried, key.number);
    }
}

void Endorsements::add_key(const cert::Endorsements& carried, std::uint64_t number) {
    const Bytes* content = carried.find(number);
    if (content == nullptr) {
        return;
    }
    const Key& key = *std::ranges::find(kKeys, number, &Key::number);
    const EndorsementSource source{"label 6, " + std::string(key.name), true};
    auto documents = endorsement::read_documents(*content);
    if (!documents) {
        faults_.push_back({source, documents.error().text()});
        return;
    }
    const bool chains = number == keys::kIssuerChains;
    const std::size_t most = chains ? kMaxCarriedIssuers : 1;
    const Form wanted = chains                             ? Form::pem
                        : key.kind == Carried::certificate ? Form::der
                        : key.kind == Carried::crl         ? Form::der
                                                           : Form::json;
    const bool fits = endorsement::form_of(*content) == wanted && documents->size() <= most &&
                      std::ranges::all_of(*documents, [&](const Document& document) {
                          return document.index() == static_cast<std::size_t>(key.kind);
                      });
    if (!fits) {
        faults_.push_back(
            {source, chains ? "at most " + std::to_string(most) + " PEM certificates wanted"
                            : "another kind of document"});
        return;
    }
    for (Document& document : *documents) {
        add(std::move(document), source);
    }
}

}  // namespace ratls::verify
