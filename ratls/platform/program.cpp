#include "ratls/platform/program.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <iostream>
#include <streambuf>

#include "ratls/base/text.h"
#include "ratls/platform/system_failure.h"

namespace ratls {
namespace {

/// Standard output. Remembers why it could not be written, which a stream of the library does not.
class StandardOutput final : public std::streambuf {
  public:
    StandardOutput() { setp(buffer_.data(), buffer_.data() + buffer_.size()); }

    /// An errno; 0 if all was written.
    int failure() const { return failure_; }

  protected:
    int_type overflow(int_type next) override {
        if (sync() != 0) {
            return traits_type::eof();
        }
        if (!traits_type::eq_int_type(next, traits_type::eof())) {
            *pptr() = traits_type::to_char_type(next);
            pbump(1);
        }
        return traits_type::not_eof(next);
    }

    int sync() override {
        const char* from = pbase();
        while (failure_ == 0 && from < pptr()) {
            const ssize_t done =
                ::write(STDOUT_FILENO, from, static_cast<std::size_t>(pptr() - from));
            if (done >= 0) {
                from += done;
            } else if (errno != EINTR) {
                failure_ = errno;
            }
        }
        setp(buffer_.data(), buffer_.data() + buffer_.size());
        return failure_ == 0 ? 0 : -1;
    }

  private:
    std::array<char, 65536> buffer_;
    int failure_ = 0;
};

/// Opens those of the descriptors 0 to 2 that are closed, the wrong way round, so that their use
/// fails.
void hold_standard_descriptors() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) < 0) {
            // The lowest free number is this one.
            ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

}  // namespace

int failure_exit_code(Code code) {
    return exit_code(code == Code::denied ? Code::io : code);
}

std::string usage_message(std::string_view program, std::string_view what) {
    return "error: " + printable(what) + "\nhint: `" + std::string(program) +
           " --help` lists commands and options\n";
}

int run_program(const std::function<int(std::ostream& out, std::ostream& err)>& run) {
    hold_standard_descriptors();
    StandardOutput buffer;
    int code = kExitFault;
    try {
        std::ostream out(&buffer);
        code = run(out, std::cerr);
        out.flush();
    } catch (const std::exception& error) {
        std::cerr << "error: internal fault: " << printable(error.what()) << "\n";
    }
    if (buffer.failure() != 0) {
        std::cerr << "error: " << system_failure("standard output", buffer.failure()).error().text()
                  << "\n";
        return kExitFault;
    }
    return code;
}

}  // namespace ratls
