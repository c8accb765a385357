#include "verify/cli/given_snapshot.h"

#include <cstdlib>
#include <ostream>

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"

namespace ratls::cli {
namespace {

std::string state_file() {
    const char* state = std::getenv("XDG_STATE_HOME");
    const char* home = std::getenv("HOME");
    const std::string base = state != nullptr && *state == '/' ? state
                             : home != nullptr                 ? std::string(home) + "/.local/state"
                                                               : std::string();
    return base.empty() ? base : base + "/ratls/sequences.json";
}

/// {"SIGNER NAME": sequence}; an unreadable file is an error, an absent one is empty.
Result<Json> load_state(Io& io) {
    const std::string path = state_file();
    if (path.empty()) {
        return Json(Json::Object{});
    }
    auto content = io.files.read(path, kMaxSmallFile);
    if (!content && content.error().code == Code::unavailable) {
        return Json(Json::Object{});
    }
    if (!content) {
        return std::unexpected(std::move(content).error());
    }
    auto json = parse_json(as_text(*content), {.max_bytes = kMaxSmallFile, .max_depth = 2});
    if (!json) {
        return std::unexpected(std::move(json).error().in(path));
    }
    if (json->if_object() == nullptr) {
        return fail(Code::malformed, path, "an object wanted");
    }
    return json;
}

/// 0 if none was seen. A damaged entry is an error: it would let an older snapshot pass.
Result<std::uint64_t> seen_sequence(const Json& state, const std::string& signer,
                                    const std::string& name) {
    const Json* seen = state.find(signer + " " + name);
    if (seen == nullptr) {
        return std::uint64_t{0};
    }
    if (seen->if_int() == nullptr || *seen->if_int() < 0) {
        return fail(Code::malformed, state_file(), "a number wanted for " + ratls::quoted(name));
    }
    return static_cast<std::uint64_t>(*seen->if_int());
}

}  // namespace

Result<GivenSnapshot> GivenSnapshot::load(const VerifyOptions& options, Io& io) {
    GivenSnapshot out;
    if (options.snapshot.empty()) {
        if (!options.snapshot_keys.empty()) {
            return fail(Code::usage, "--snapshot-key", "--snapshot wanted too");
        }
        return out;
    }
    RATLS_TRY(const Bytes file, read_option(io, "--snapshot", options.snapshot, kMaxSnapshotFile));
    RATLS_TRY(verify::Snapshot snapshot, verify::parse_snapshot(as_text(file)));
    out.snapshot_ = std::make_shared<const verify::Snapshot>(std::move(snapshot));
    if (out.snapshot_->ima) {
        out.ima_index_ = std::make_shared<const verify::ImaIndex>(*out.snapshot_->ima);
    }
    out.fault_ = Error{Code::untrusted, "snapshot", "no --snapshot-key was given"};
    for (const std::string& path : options.snapshot_keys) {
        RATLS_TRY(const PublicKey key, load_public_key(io, "--snapshot-key", path));
        const auto status = verify::verify_snapshot_signature(as_text(file), key);
        if (status) {
            out.signers_.push_back(hex(key.spki_sha256()));
        } else if (out.signers_.empty()) {
            out.fault_ = status.error();
        }
    }
    if (!out.signers_.empty()) {
        out.fault_.reset();
        RATLS_TRY(const Json state, load_state(io));
        for (const std::string& signer : out.signers_) {
            RATLS_TRY(const std::uint64_t seen, seen_sequence(state, signer, out.snapshot_->name));
            out.highest_ = std::max(out.highest_, seen);
        }
        out.remember(io);
    }
    return out;
}

std::optional<verify::SnapshotInput> GivenSnapshot::input() const {
    if (!snapshot_) {
        return std::nullopt;
    }
    return verify::SnapshotInput{*snapshot_, fault_, highest_, ima_index_};
}

void GivenSnapshot::remember(Io& io) const {
    if (snapshot_->sequence <= highest_ || io.clock.now() < snapshot_->not_before) {
        return;
    }
    if (auto status = write_state(io); !status) {
        io.err << "warning: an older snapshot could be passed off next time: "
               << status.error().text() << "\n";
    }
}

Status GivenSnapshot::write_state(Io& io) const {
    const std::string path = state_file();
    if (path.empty()) {
        return fail(Code::unavailable, "state", "neither XDG_STATE_HOME nor HOME is set");
    }
    RATLS_TRY(Json state, load_state(io));
    for (const std::string& signer : signers_) {
        RATLS_TRY(const std::uint64_t seen, seen_sequence(state, signer, snapshot_->name));
        state.set(signer + " " + snapshot_->name, std::max(seen, snapshot_->sequence));
    }
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
        const std::string directory = path.substr(0, slash);
        if (!io.files.is_directory(directory)) {
            RATLS_CHECK(io.files.make_directory(directory));
        }
    }
    return io.files.replace(path, as_bytes(state.pretty()), 0600);
}

}  // namespace ratls::cli
