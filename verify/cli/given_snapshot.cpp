#include "verify/cli/given_snapshot.h"

#include "ratls/codec/hex.h"

namespace ratls::cli {

Result<GivenSnapshot> GivenSnapshot::load(const VerifyOptions& options,
                                          const verify::Policy& policy, Io& io) {
    GivenSnapshot out;
    if (options.snapshot.empty()) {
        if (!options.snapshot_keys.empty() || !options.snapshot_name.empty()) {
            return fail(Code::usage,
                        options.snapshot_keys.empty() ? "--snapshot-name" : "--snapshot-key",
                        "--snapshot wanted too");
        }
        return out;
    }
    out.given_ = true;
    RATLS_TRY(Bytes file, read_option(io, "--snapshot", options.snapshot, kMaxSnapshotFile));
    RATLS_TRY(const verify::SnapshotText text, verify::SnapshotText::read(std::move(file)));
    out.fault_ = Error{Code::untrusted, "snapshot", "no --snapshot-key was given"};
    for (const std::string& path : options.snapshot_keys) {
        RATLS_TRY(const PublicKey key, load_public_key(io, "--snapshot-key", path));
        const auto status = text.verify(key);
        if (status) {
            out.identity_.keys.push_back(hex(key.spki_sha256()));
        } else if (out.identity_.keys.empty()) {
            out.fault_ = status.error();
        }
    }
    if (!out.identity_.keys.empty()) {
        out.fault_.reset();
    }
    if (!out.fault_ || policy.unsigned_snapshot_waived) {
        RATLS_TRY(verify::Snapshot snapshot, verify::parse_snapshot(text));
        out.snapshot_ = std::make_shared<const verify::Snapshot>(std::move(snapshot));
        out.identity_.name = out.snapshot_->name;
        if (out.snapshot_->ima) {
            out.ima_index_ = std::make_shared<const verify::ImaIndex>(*out.snapshot_->ima);
        }
    }
    out.state_ = options.state;
    out.time_is_chosen_ = !options.at_time.empty();
    return out;
}

std::optional<verify::SnapshotInput> GivenSnapshot::input(Io& io, UnixTime now) const {
    if (!given_) {
        return std::nullopt;
    }
    verify::SnapshotInput out{.snapshot = snapshot_.get(),
                              .signature_fault = fault_,
                              .signers = identity_.keys,
                              .ima_index = ima_index_};
    if (!fault_) {
        out.sequences = ask_store(io, now);
    }
    return out;
}

verify::SequenceMemory GivenSnapshot::ask_store(Io& io, UnixTime now) const {
    verify::SequenceMemory out;
    const auto folder = state_folder(state_);
    if (!folder) {
        out.fault = folder.error();
        return out;
    }
    SequenceStore store(io.files, *folder);
    auto seen = store.highest(identity_);
    if (seen) {
        out.highest = *seen;
        const bool dated = now >= snapshot_->not_before && now <= snapshot_->not_after;
        if (dated && !time_is_chosen_) {
            seen = store.raise(identity_, snapshot_->sequence);
        }
    }
    if (!seen) {
        out.fault = std::move(seen).error();
    } else {
        out.highest = *seen;
    }
    return out;
}

}  // namespace ratls::cli
