// How far long work has come.
#pragma once

#include <string_view>

#include "verify/cli/io.h"

namespace ratls::cli {

/// One line on the terminal of the errors, written over as the work goes on and removed at the end.
/// Only there, and only once the work takes longer than a second.
class Progress {
  public:
    explicit Progress(Io& io);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();

    /// "1500 files"
    void show(std::size_t count, std::string_view what);

  private:
    Io& io_;
    std::chrono::milliseconds next_;
    bool shown_ = false;
};

}  // namespace ratls::cli
