// Why something was refused: CHECK(refusal(parse(x)) == says("tcbType: 0 to 0 wanted")).
#pragma once

#include <ostream>
#include <string>

#include "ratls/base/result.h"

namespace ratls::test {

inline constexpr std::string_view kAccepted = "accepted";

/// The text of the error, or "accepted".
template <typename T>
std::string refusal(const Result<T>& result) {
    return result ? std::string(kAccepted) : result.error().text();
}

/// Equal to each text that contains this one; an empty one is equal to nothing.
class Says {
  public:
    explicit Says(std::string part) : part_(std::move(part)) {}
    friend bool operator==(const std::string& text, const Says& says) {
        return !says.part_.empty() && text.contains(says.part_);
    }
    friend std::ostream& operator<<(std::ostream& out, const Says& says) {
        return out << "..." << says.part_ << "...";
    }

  private:
    std::string part_;
};

inline Says says(std::string part) {
    return Says(std::move(part));
}

}  // namespace ratls::test
