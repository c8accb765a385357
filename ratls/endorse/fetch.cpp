#include "ratls/endorse/fetch.h"

#include "ratls/base/text.h"
#include "ratls/codec/hex.h"

namespace ratls::endorse {
namespace {

constexpr unsigned kMode = 0644;

std::string_view without_space_around(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos
               ? std::string_view()
               : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Result<Validity> check(const Part& part, ByteView content, UnixTime now) {
    RATLS_TRY(const Validity validity, part.check(content));
    RATLS_CHECK(check_current(validity, now));
    return validity;
}

Result<Document> make_document(const Source& source, const Part& part, Bytes content,
                               UnixTime now) {
    auto validity = check(part, content, now);
    if (!validity) {
        return std::unexpected(std::move(validity).error().in(part.file));
    }
    return Document{part.file, source.url, std::move(content), *validity};
}

Result<Document> load_part(const Source& source, const Part& part, const std::string& folder,
                           Files& files, UnixTime now) {
    RATLS_TRY(Bytes content, files.read(folder + "/" + part.file, kMaxCrl));
    return make_document(source, part, std::move(content), now);
}

/// What the folder holds of a source: all of it, good, or an error.
Result<std::vector<Document>> load(const Source& source, const std::string& folder, Files& files,
                                   UnixTime now) {
    std::vector<Document> out;
    RATLS_TRY(Document body, load_part(source, source.body, folder, files, now));
    out.push_back(std::move(body));
    if (!source.chain_headers.empty()) {
        RATLS_TRY(Document chain, load_part(source, source.chain, folder, files, now));
        out.push_back(std::move(chain));
    }
    return out;
}

Result<Bytes> chain_of(const FetchResponse& response, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        if (const std::string* value = response.header(name)) {
            RATLS_TRY(const std::string text, percent_decode(*value));
            return to_bytes(as_bytes(text));
        }
    }
    return fail(Code::malformed, "headers", "no " + names.front());
}

Result<std::vector<Document>> parts_of(const Source& source, FetchResponse response, UnixTime now) {
    std::vector<Document> out;
    Bytes content = std::move(response.body);
    if (source.hex_text) {
        if (auto decoded = parse_hex(without_space_around(as_text(content)))) {
            content = *std::move(decoded);
        }
    }
    RATLS_TRY(Document body, make_document(source, source.body, std::move(content), now));
    out.push_back(std::move(body));
    if (!source.chain_headers.empty()) {
        auto pem = chain_of(response, source.chain_headers);
        if (!pem) {
            return std::unexpected(std::move(pem).error().in(source.chain.file));
        }
        RATLS_TRY(Document chain, make_document(source, source.chain, *std::move(pem), now));
        out.push_back(std::move(chain));
    }
    for (Document& document : out) {
        document.fetched = true;
    }
    return out;
}

Result<std::vector<Document>> download(const Source& source, Downloader& downloader, UnixTime now) {
    RATLS_TRY(FetchResponse response, downloader.get(source.url, source.max_bytes));
    auto parts = parts_of(source, std::move(response), now);
    if (!parts) {
        return std::unexpected(std::move(parts).error().in(quoted(source.url, 300)));
    }
    return parts;
}

Result<std::vector<Document>> obtain_source(const Source& source, const std::string& folder,
                                            Files& files, UnixTime now, const Origins& origins) {
    if (origins.downloader != nullptr && origins.refresh) {
        return download(source, *origins.downloader, now);
    }
    auto held = load(source, folder, files, now);
    if (held) {
        return held;
    }
    if (origins.downloader == nullptr) {
        return fail(Code::unavailable, "offline", held.error().text());
    }
    return download(source, *origins.downloader, now);
}

/// Writes what was fetched. The old content comes back if one of them cannot be written.
Status save(const std::vector<Document>& documents, const std::string& folder, Files& files) {
    RATLS_CHECK(make_directories(files, folder));
    std::vector<std::pair<std::string, Bytes>> before;
    for (const Document& document : documents) {
        if (!document.fetched) {
            continue;
        }
        const std::string path = folder + "/" + document.file;
        auto old = files.read(path, kMaxCrl);
        if (auto status = files.replace(path, document.content, kMode); !status) {
            for (const auto& [changed, content] : before) {
                RATLS_CHECK(files.replace(changed, content, kMode));
            }
            return status;
        }
        if (old) {
            before.emplace_back(path, *std::move(old));
        }
    }
    return {};
}

}  // namespace

Result<std::vector<Document>> obtain(const Plan& plan, const std::string& folder, Files& files,
                                     UnixTime now, const Origins& origins) {
    std::vector<Document> out;
    for (const Source& source : plan.sources) {
        RATLS_TRY(std::vector<Document> parts, obtain_source(source, folder, files, now, origins));
        std::ranges::move(parts, std::back_inserter(out));
    }
    RATLS_CHECK(save(out, folder, files));
    return out;
}

}  // namespace ratls::endorse
