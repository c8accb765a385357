#include "verify/cli/progress.h"

#include <ostream>

namespace ratls::cli {
namespace {

constexpr std::chrono::milliseconds kQuietTime{1000};
constexpr std::chrono::milliseconds kPeriod{200};
constexpr std::string_view kToStart = "\r\033[K";  // of the line, and nothing stays in it

}  // namespace

Progress::Progress(Io& io) : io_(io), next_(io.clock.monotonic() + kQuietTime) {}

Progress::~Progress() {
    if (shown_) {
        io_.err << kToStart << std::flush;
    }
}

void Progress::show(std::size_t count, std::string_view what) {
    if (!io_.err_is_terminal || io_.clock.monotonic() < next_) {
        return;
    }
    next_ = io_.clock.monotonic() + kPeriod;
    io_.err << kToStart << count << " " << what << std::flush;
    shown_ = true;
}

}  // namespace ratls::cli
