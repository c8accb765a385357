#include "ratls/endorse/cache.h"

namespace ratls::endorse {
namespace {

/// Others are not ours, or what an interrupted write left.
bool has_known_ending(std::string_view name) {
    return name.ends_with(".json") || name.ends_with(".pem") || name.ends_with(".der");
}

}  // namespace

Result<std::vector<std::string>> list_keys(Files& files, const std::string& cache) {
    std::vector<std::string> out;
    for (const char* vendor : {"amd", "intel"}) {
        const std::string folder = cache + "/" + vendor;
        if (!files.is_directory(folder)) {
            continue;
        }
        RATLS_TRY(const std::vector<std::string> groups, files.list_directories(folder));
        for (const std::string& group : groups) {
            RATLS_TRY(const std::vector<std::string> sets,
                      files.list_directories(folder + "/" + group));
            for (const std::string& set : sets) {
                out.push_back(std::string(vendor) + "/" + group + "/" + set);
            }
        }
    }
    return out;
}

Result<std::vector<CachedFile>> read_set(Files& files, const std::string& folder) {
    RATLS_TRY(const std::vector<std::string> names, files.list(folder));
    std::vector<CachedFile> out;
    for (const std::string& name : names) {
        if (!has_known_ending(name)) {
            continue;
        }
        RATLS_TRY(Bytes content, files.read(folder + "/" + name, kMaxCrl));
        auto description = describe(content);
        out.push_back({name, std::move(content), std::move(description)});
    }
    return out;
}

Status export_set(Files& files, const std::vector<CachedFile>& set, const std::string& folder) {
    RATLS_CHECK(make_directories(files, folder));
    for (const CachedFile& file : set) {
        RATLS_CHECK(files.replace(folder + "/" + file.name, file.content, 0644));
    }
    return {};
}

}  // namespace ratls::endorse
