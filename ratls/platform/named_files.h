// Files that the user named in the call, by an option or a member of a configuration.
#pragma once

#include <span>

#include "ratls/platform/files.h"

namespace ratls {

/// The failure of a file that the user named. That it is missing, may not be used or is too large
/// is a mistake in the call, `usage`; a system that fails stays `io`. `where` then names the
/// option.
Error in_call(Error error, std::string_view option);
/// The same; that `path` is a folder is a mistake too.
Error in_call(Files& files, std::string_view option, const std::string& path, Error error);

/// As `Files::read`; a folder is a mistake in the call too.
Result<Bytes> read_named(Files& files, std::string_view option, const std::string& path,
                         std::size_t max_bytes);

/// As `Files::replace`; a folder, or one that is missing, is a mistake in the call too.
Status replace_named(Files& files, std::string_view option, const std::string& path,
                     ByteView content, unsigned mode);

struct NamedFile {
    std::string_view option;
    std::string path;  ///< may be empty: the option was not given
};

/// Refuses an output that is one of the inputs, which would be lost: `usage`, with both names.
Status keep_inputs(Files& files, const NamedFile& output, std::span<const NamedFile> inputs);

}  // namespace ratls
