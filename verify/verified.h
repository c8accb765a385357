// What has been verified has a type of its own.
#pragma once

#include <utility>

namespace ratls::verify {

/// Evidence whose signature, chain and form hold. Only the verifiers make one, through
/// `VerifierAccess`; appraisals take nothing else, so a wrong order does not compile.
template <typename T>
class Verified {
  public:
    const T& operator*() const { return value_; }
    const T* operator->() const { return &value_; }

  private:
    friend struct VerifierAccess;
    explicit Verified(T value) : value_(std::move(value)) {}
    T value_;
};

/// For the files in verify/formats alone (test/layers.py looks after that).
struct VerifierAccess {
    template <typename T>
    static Verified<T> mark(T value) {
        return Verified<T>(std::move(value));
    }
};

}  // namespace ratls::verify
