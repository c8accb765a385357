// Digests of the files in a package or an archive, without unpacking it.
#pragma once

#include "ratls/platform/tree_hash.h"

namespace ratls {

struct ArchiveHashes {
    TreeHashes tree;
    std::string source;  ///< "bash 5.2.15-2" of a Debian package, else the name of the file
};

/// Hashes every regular file of a .deb, an .rpm or a tar or cpio archive, compressed or not. Read
/// once, piece by piece, whatever it unpacks to. A later file of the same path replaces an earlier
/// one, as when it is unpacked; a hard link has the content of what it names. Fails if it is none
/// of these or damaged; what stands in it and cannot be a file of an image is among the errors.
/// `usr_merge`: /bin, /sbin and /lib* are links into /usr, as on all current distributions, so that
/// IMA logs their files there.
Result<ArchiveHashes> hash_archive(const std::string& path, const TreeHashOptions& options,
                                   bool usr_merge);

}  // namespace ratls
