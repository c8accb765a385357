#include "agent/failure.h"

namespace ratls::agent {
namespace {

constexpr std::chrono::seconds kRetry{5};

}  // namespace

http::Response bad_request(const Error& error) {
    return http::error_response(400, error.text());
}

std::string public_reason(const Error& error) {
    const bool of_tpm = error.where.starts_with("tpm");
    if (error.code == Code::mismatch && error.where.starts_with("ima")) {
        return "the IMA log and the PCRs of the TPM differ";
    }
    if (error.code == Code::mismatch && of_tpm) {
        return "the TPM has another attestation key than before";
    }
    if (error.code == Code::stale) {
        return "a document that the certificate carries is out of date";
    }
    if (of_tpm) {
        return "the TPM does not work";
    }
    return error.where.starts_with("ima") ? "the IMA log cannot be read"
                                          : "the evidence of this VM cannot be had";
}

http::Response unable(const Error& error) {
    http::Response out = error.code == Code::internal
                             ? http::error_response(500, "an internal fault")
                             : later(503, public_reason(error), kRetry);
    out.cause = error.text();
    return out;
}

http::Response later(int status, std::string_view text, std::chrono::seconds wait) {
    http::Response response = http::error_response(status, text);
    response.headers.push_back({"retry-after", std::to_string(wait.count())});
    return response;
}

}  // namespace ratls::agent
