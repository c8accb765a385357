#include <ostream>

#include "ratls/codec/base64.h"
#include "ratls/codec/hex.h"
#include "verify/cli/commands.h"
#include "verify/cli/target.h"

namespace ratls::cli {
namespace {

std::string pin_text(const std::string& format, const Endpoint& endpoint,
                     const Certificate& certificate) {
    const auto& spki = certificate.public_key().spki_sha256();
    const std::string b64 = base64(spki);
    if (format == "chromium") {
        return "--ignore-certificate-errors-spki-list=" + b64;
    }
    if (format == "firefox") {
        // A line of cert_override.txt in the profile; U = untrusted issuer, which is all we waive.
        std::string fingerprint;
        for (const std::uint8_t byte : sha256(certificate.der())) {
            fingerprint += (fingerprint.empty() ? "" : ":") + hex(ByteView(&byte, 1));
        }
        for (char& c : fingerprint) {
            c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
        }
        return endpoint.text() + ":\tOID.2.16.840.1.101.3.4.2.1\t" + fingerprint + "\tU";
    }
    if (format == "tlsa") {
        return "_" + std::to_string(endpoint.port) + "._tcp." + endpoint.host + ". IN TLSA 3 1 1 " +
               hex(spki);
    }
    if (format == "known-hosts") {
        return endpoint.text() + " sha256//" + b64;
    }
    return "sha256//" + b64;
}

}  // namespace

int cmd_pin(const PinOptions& options, Io& io) {
    if (auto status = refuse_weakening(options.verify); !status) {
        return report(io, status.error());
    }
    const auto loaded = load(options.verify, io);
    if (!loaded) {
        return report(io, loaded.error(), "`ratls pin --help` has an example");
    }
    const auto endpoint = parse_endpoint(options.verify.target, options.verify.resolve);
    if (!endpoint) {
        return report(io, endpoint.error(), "a key is pinned for a host: give host[:port]");
    }
    const auto live = verify_host(options.verify, *loaded, io);
    if (!live) {
        return report(io, live.error());
    }
    if (live->result.outcome != verify::Outcome::accepted) {
        io.err << verify::result_text(live->result);
        io.err << "error: only an accepted host is pinned\n";
        return verify::outcome_exit_code(live->result.outcome);
    }
    const std::string pin = pin_text(options.format, *endpoint, live->native->certificate);
    if (options.verify.json) {
        Json out(Json::Object{});
        out.set("format", options.format).set("pin", pin);
        out.set("valid_until", format_rfc3339(live->native->certificate.not_after()));
        io.out << out.pretty();
    } else {
        io.out << pin << "\n";
        io.err << "note: the key may change at "
               << format_rfc3339(live->native->certificate.not_after()) << " at the latest\n";
    }
    return 0;
}

}  // namespace ratls::cli
