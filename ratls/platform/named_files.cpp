#include "ratls/platform/named_files.h"

#include "ratls/base/text.h"

namespace ratls {
Error in_call(Error error, std::string_view option) {
    if (error.code == Code::unavailable || error.code == Code::denied ||
        error.code == Code::too_large) {
        error.code = Code::usage;
    }
    return std::move(error).in(option);
}

Error in_call(Files& files, std::string_view option, const std::string& path, Error error) {
    if (files.is_directory(path)) {
        return {Code::usage, std::string(option) + ": " + quoted(path, 300),
                "a file wanted, a folder found"};
    }
    return in_call(std::move(error), option);
}

Result<Bytes> read_named(Files& files, std::string_view option, const std::string& path,
                         std::size_t max_bytes) {
    auto content = files.read(path, max_bytes);
    if (!content) {
        return std::unexpected(in_call(files, option, path, std::move(content).error()));
    }
    return content;
}

Status replace_named(Files& files, std::string_view option, const std::string& path,
                     ByteView content, unsigned mode) {
    auto status = files.replace(path, content, mode);
    if (!status) {
        return std::unexpected(in_call(files, option, path, std::move(status).error()));
    }
    return status;
}

Status keep_inputs(Files& files, const NamedFile& output, std::span<const NamedFile> inputs) {
    for (const NamedFile& input : inputs) {
        if (!input.path.empty() && files.same_file(output.path, input.path)) {
            return fail(Code::usage, std::string(output.option) + ": " + quoted(output.path, 300),
                        "this is the file of " + std::string(input.option) +
                            " too, which would be lost; name another");
        }
    }
    return {};
}

}  // namespace ratls
