#include "verify/cli/options.h"

#include <array>
#include <ostream>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"
#include "ratls/codec/pem.h"
#include "ratls/platform/clock.h"
#include "ratls/platform/program.h"

namespace ratls::cli {
namespace {

constexpr std::size_t kMaxEndorsementFile = std::size_t{4} << 20;
constexpr std::size_t kMaxNonce = 64;
constexpr std::size_t kMaxLines = 50;

/// The first bytes of a file that is too long to be read whole.
Result<Bytes> read_beginning(Io& io, const std::string& path) {
    constexpr std::size_t kBeginning = 64;
    RATLS_TRY(const std::unique_ptr<OpenFile> file, io.files.open(path));
    Bytes out(kBeginning);
    RATLS_TRY(const std::size_t size, file->read_at(0, out));
    out.resize(size);
    return out;
}

Status add_endorsements(Io& io, const std::string& path, verify::Endorsements& out) {
    constexpr std::string_view kOption = "--endorsements";
    if (!io.files.is_directory(path)) {
        RATLS_TRY(const Bytes content, read_option(io, kOption, path, kMaxEndorsementFile));
        out.add_file(path, content);
        return {};
    }
    const auto names = io.files.list(path);
    if (!names) {
        return std::unexpected(in_call(names.error(), kOption));
    }
    for (const std::string& name : *names) {
        const std::string file = path + "/" + name;
        auto content = io.files.read(file, kMaxEndorsementFile);  // found, not named in the call
        if (content) {
            out.add_found(file, *content);
        } else if (content.error().code == Code::too_large) {
            RATLS_TRY(const Bytes beginning, read_beginning(io, file));
            out.add_too_large(file, beginning, kMaxEndorsementFile);
        } else {
            return std::unexpected(in_call(std::move(content).error(), kOption));
        }
    }
    return {};
}

Result<Certificate> parse_one_certificate(ByteView file) {
    RATLS_TRY(const std::vector<Certificate> certificates, parse_certificates(file));
    if (certificates.size() != 1) {
        return fail(Code::malformed, "certificate",
                    "one wanted, " + std::to_string(certificates.size()) + " found");
    }
    return certificates.front();
}

Result<verify::UserRoot> load_root(Io& io, const std::string& text) {
    constexpr std::array<std::pair<std::string_view, verify::RootKind>, 5> kKinds = {{
        {"snp", verify::RootKind::snp},
        {"tdx", verify::RootKind::tdx},
        {"sgx", verify::RootKind::sgx},
        {"tpm", verify::RootKind::tpm},
        {"nvgpu", verify::RootKind::nvgpu},
    }};
    const std::size_t colon = text.find(':');
    for (const auto& [name, kind] : kKinds) {
        if (colon == std::string::npos || text.substr(0, colon) != name) {
            continue;
        }
        const std::string path = text.substr(colon + 1);
        RATLS_TRY(const Bytes content, read_option(io, "--trust-root", path, kMaxSmallFile));
        // Vendors of processors sign their roots by algorithms that are verified.
        auto certificate = kind == verify::RootKind::tpm ? parse_anchor_file(content)
                                                         : parse_one_certificate(content);
        if (!certificate) {
            return std::unexpected(
                std::move(certificate).error().in("--trust-root " + ratls::quoted(path, 300)));
        }
        if (kind == verify::RootKind::nvgpu) {
            return fail(Code::usage, "--trust-root",
                        "this version verifies chains of kind snp, tdx, sgx and tpm only, " +
                            ratls::quoted(name) + " found");
        }
        return verify::UserRoot{kind, *std::move(certificate)};
    }
    return fail(Code::usage, "--trust-root",
                "KIND:FILE with KIND snp, tdx, sgx, tpm or nvgpu wanted, " + ratls::quoted(text) +
                    " found");
}

Result<verify::Policy> load_policy(Io& io, const std::string& name_or_file) {
    if (auto named = verify::named_policy(name_or_file)) {
        return named;
    }
    auto content = read_option(io, "--policy", name_or_file, kMaxSmallFile);
    if (!content) {
        std::string known;
        for (const std::string& name : verify::policy_names()) {
            known += (known.empty() ? "" : ", ") + name;
        }
        Error error = std::move(content).error();
        error.what += "; a file or one of " + known + " wanted";
        return std::unexpected(std::move(error));
    }
    return verify::parse_policy(as_text(*content));
}

}  // namespace

int report(Io& io, const Error& error, std::string_view hint) {
    io.err << "error: " << error.text() << "\n";
    if (!hint.empty()) {
        io.err << "hint: " << hint << "\n";
    }
    return failure_exit_code(error.code);
}

void print_lines(Io& io, std::string_view kind, const std::vector<std::string>& lines) {
    for (std::size_t i = 0; i < lines.size() && i < kMaxLines; ++i) {
        io.err << kind << ": " << printable(lines[i]) << "\n";
    }
    if (lines.size() > kMaxLines) {
        io.err << kind << ": and " << lines.size() - kMaxLines << " more like these\n";
    }
}

Result<Bytes> read_option(Io& io, std::string_view option, const std::string& path,
                          std::size_t max_bytes) {
    return read_named(io.files, option, path, max_bytes);
}

std::vector<NamedFile> named_files(const VerifyOptions& options) {
    std::vector<NamedFile> out = {{"--snapshot", options.snapshot}, {"--policy", options.policy}};
    const auto add = [&](std::string_view option, const std::vector<std::string>& paths) {
        for (const std::string& path : paths) {
            out.push_back({option, path});
        }
    };
    add("--snapshot-key", options.snapshot_keys);
    add("--endorsements", options.endorsements);
    add("--log", options.logs);
    for (const std::string& root : options.trust_roots) {
        out.push_back({"--trust-root", root.substr(root.find(':') + 1)});
    }
    return out;
}

Result<PublicKey> load_public_key(Io& io, std::string_view option, const std::string& path) {
    RATLS_TRY(const Bytes file, read_option(io, option, path, kMaxSmallFile));
    if (auto certificates = parse_certificates(file)) {
        return certificates->front().public_key();
    }
    auto blocks = parse_pem(as_text(file));
    if (!blocks || blocks->front().label != "PUBLIC KEY") {
        return fail(Code::malformed, std::string(option) + " " + ratls::quoted(path, 300),
                    "a PUBLIC KEY or CERTIFICATE block wanted");
    }
    return PublicKey::from_spki(blocks->front().der);
}

Result<LoadedOptions> load(const VerifyOptions& options, Io& io) {
    LoadedOptions out;
    RATLS_TRY(out.policy, load_policy(io, options.policy));
    print_lines(io, "note", out.policy.notes);
    for (const std::string& path : options.endorsements) {
        RATLS_CHECK(add_endorsements(io, path, out.endorsements));
    }
    for (const std::string& root : options.trust_roots) {
        RATLS_TRY(verify::UserRoot loaded, load_root(io, root));
        out.user_roots.push_back(std::move(loaded));
    }
    if (options.at_time.empty()) {
        out.now = LinuxClock().now();
    } else {
        auto time = parse_rfc3339(options.at_time);
        if (!time) {
            return fail(Code::usage, "--at-time", time.error().what);
        }
        out.now = *time;
    }
    if (!options.nonce.empty()) {
        auto nonce = parse_hex(options.nonce);
        if (!nonce || nonce->empty() || nonce->size() > kMaxNonce) {
            return fail(Code::usage, "--nonce", "1 to 64 bytes in hex wanted");
        }
        out.nonce = *std::move(nonce);
    }
    if (!options.snapshot_name.empty()) {
        std::string& wanted = out.policy.snapshot_name;
        if (!wanted.empty() && wanted != options.snapshot_name) {
            return fail(Code::usage, "--snapshot-name",
                        "the policy wants " + ratls::quoted(wanted) + ", not " +
                            ratls::quoted(options.snapshot_name));
        }
        wanted = options.snapshot_name;
    }
    if (options.require_fresh >= 0) {
        out.policy.freshness.ask(options.require_fresh);
    }
    return out;
}

int print_result(Io& io, const verify::VerificationResult& result, bool json) {
    io.out << (json ? verify::result_json(result).pretty() : verify::result_text(result));
    return verify::outcome_exit_code(result.outcome);
}

}  // namespace ratls::cli
