#include "ratls/base/reader.h"

namespace ratls {

ByteView Reader::bytes(std::size_t count, std::string_view field) {
    if (failed_) {
        return {};
    }
    const std::size_t remaining = in_.size() - at_;
    if (count > remaining) {
        fail(Code::malformed, field,
             std::to_string(count) + " bytes wanted at offset " + std::to_string(at_) + ", " +
                 std::to_string(remaining) + " left");
        return {};
    }
    const ByteView view = in_.subspan(at_, count);
    at_ += count;
    return view;
}

void Reader::zeros(std::size_t count, std::string_view field) {
    if (!all_zero(bytes(count, field))) {
        fail(Code::malformed, field, "zero bytes wanted, others found");
    }
}

void Reader::fail(Code code, std::string_view field, std::string what) {
    if (!failed_) {
        failed_ = true;
        error_ = {code, std::string(name_) + ": " + std::string(field), std::move(what)};
    }
}

void Reader::refuse_trailing() {
    if (!failed_ && at_ != in_.size()) {
        fail(Code::malformed, "end",
             std::to_string(in_.size() - at_) + " trailing bytes after offset " +
                 std::to_string(at_));
    }
}

}  // namespace ratls
