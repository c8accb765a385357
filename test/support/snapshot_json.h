// A snapshot as a tree, to be changed before it is read again.
#pragma once

#include "verify/appraise/snapshot.h"

namespace ratls::test {

inline Json snapshot_json(const verify::Snapshot& snapshot) {
    return parse_json(verify::snapshot_to_text(snapshot)).value();
}

inline Status verify_signature(std::string_view text, const PublicKey& key) {
    auto read = verify::SnapshotText::read(to_bytes(as_bytes(text)));
    return read ? read->verify(key) : Status(std::unexpected(std::move(read).error()));
}

}  // namespace ratls::test
