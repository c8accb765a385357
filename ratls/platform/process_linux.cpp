#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "ratls/base/text.h"
#include "ratls/platform/descriptor.h"
#include "ratls/platform/process.h"

namespace ratls {
namespace {

using SteadyClock = std::chrono::steady_clock;

std::unexpected<Error> process_failure(const Command& command, Code code, std::string what) {
    return fail(code, "process: " + quoted(command.argv.empty() ? "" : command.argv[0]),
                std::move(what));
}

std::unexpected<Error> system_failure(const Command& command, int error) {
    const Code code = error == ENOENT || error == ENOTDIR ? Code::unavailable
                      : error == EACCES || error == EPERM ? Code::denied
                                                          : Code::io;
    return process_failure(command, code, std::generic_category().message(error));
}

/// One end for us, the other for the child.
struct Pipe {
    Descriptor read;
    Descriptor write;
};

Result<Pipe> make_pipe(const Command& command) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return system_failure(command, errno);
    }
    Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
    if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0) {
        return system_failure(command, errno);
    }
    return pipe;
}

/// The input as an anonymous file, in memory only: the child may read it when and how it likes, and
/// one that does not read it blocks nobody.
Result<Descriptor> input_file(const Command& command) {
    Descriptor file(::memfd_create("input", MFD_CLOEXEC));
    if (file.get() < 0) {
        return system_failure(command, errno);
    }
    for (ByteView rest = command.input; !rest.empty();) {
        const ssize_t done = ::write(file.get(), rest.data(), rest.size());
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return system_failure(command, done < 0 ? errno : EIO);
        }
        rest = rest.subspan(static_cast<std::size_t>(done));
    }
    if (::lseek(file.get(), 0, SEEK_SET) != 0) {
        return system_failure(command, errno);
    }
    return file;
}

/// What posix_spawn wants, released on every path.
class SpawnPlan {
  public:
    SpawnPlan(int input, int output, int errors) {
        ::posix_spawn_file_actions_init(&actions_);
        step(::posix_spawn_file_actions_adddup2(&actions_, input, 0));
        step(::posix_spawn_file_actions_adddup2(&actions_, output, 1));
        step(::posix_spawn_file_actions_adddup2(&actions_, errors, 2));
        step(::posix_spawn_file_actions_addclosefrom_np(&actions_, 3));
        ::posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigset_t all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        step(::posix_spawnattr_setsigmask(&attributes_, &none));
        step(::posix_spawnattr_setsigdefault(&attributes_, &all));
        step(::posix_spawnattr_setpgroup(&attributes_, 0));  // a group of its own, to kill as one
        step(::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP));
    }
    ~SpawnPlan() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;

    /// Starts the program; an errno value, 0 if it runs.
    int start(const std::vector<std::string>& argv, pid_t& pid) const {
        if (status_ != 0) {
            return status_;
        }
        std::vector<char*> arguments;
        for (const std::string& argument : argv) {
            arguments.push_back(const_cast<char*>(argument.c_str()));  // exec does not write there
        }
        arguments.push_back(nullptr);
        char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
        char locale[] = "LC_ALL=C";
        char* environment[] = {path, locale, nullptr};
        return ::posix_spawn(&pid, argv[0].c_str(), &actions_, &attributes_, arguments.data(),
                             environment);
    }

  private:
    void step(int status) { status_ = status_ != 0 ? status_ : status; }

    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attributes_;
    int status_ = 0;
};

/// A running child. With this object it ends, and all that it left running in its group.
class Child {
  public:
    explicit Child(pid_t pid) : pid_(pid) {}
    ~Child() { finish(); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// Kills the group, whose leader may have ended already, and gives the leader's status as
    /// waitpid does. Until it is waited for, nobody else gets its number.
    int finish() {
        int status = 0;
        if (pid_ > 0) {
            ::kill(-pid_, SIGKILL);
            while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
            }
            pid_ = -1;
        }
        return status;
    }

  private:
    pid_t pid_;
};

int milliseconds_left(SteadyClock::time_point deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000));
}

/// Reads all that is there now. False at the end of the stream.
Result<bool> drain(const Command& command, int fd, Bytes& out) {
    std::array<std::uint8_t, 16384> buffer;
    for (;;) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno != EAGAIN) {
            return system_failure(command, errno);
        }
        if (got <= 0) {
            return got < 0;
        }
        append(out, ByteView(buffer).first(static_cast<std::size_t>(got)));
        if (out.size() > command.max_output) {
            return process_failure(
                command, Code::too_large,
                "wrote more than " + std::to_string(command.max_output) + " bytes");
        }
    }
}

/// Collects both streams until the child has ended or the deadline is over. It does not wait for
/// the end of the streams: a grandchild may keep them open, and a child may close them early.
Status collect(const Command& command, int child, int output, int errors,
               SteadyClock::time_point deadline, Finished& out) {
    std::array<pollfd, 3> events = {pollfd{output, POLLIN, 0}, pollfd{errors, POLLIN, 0},
                                    pollfd{child, POLLIN, 0}};
    for (;;) {
        const int ready = ::poll(events.data(), events.size(), milliseconds_left(deadline));
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready < 0) {
            return system_failure(command, errno);
        }
        if (ready == 0) {
            return process_failure(
                command, Code::unavailable,
                "did not end within " + std::to_string(command.timeout.count()) + " ms");
        }
        for (std::size_t i = 0; i < 2; ++i) {
            if (events[i].fd < 0) {
                continue;
            }
            RATLS_TRY(const bool open,
                      drain(command, events[i].fd, i == 0 ? out.output : out.errors));
            if (!open) {
                events[i].fd = -1;  // poll ignores it from now on
            }
        }
        if (events[2].revents != 0) {  // seen before the drain above, so nothing is missing
            return {};
        }
    }
}

}  // namespace

Result<Finished> LinuxProcess::run(const Command& command) {
    if (command.argv.empty() || !command.argv[0].starts_with('/')) {
        return process_failure(command, Code::usage, "an absolute path wanted");
    }
    const auto deadline = SteadyClock::now() + command.timeout;
    RATLS_TRY(Descriptor input, input_file(command));
    RATLS_TRY(Pipe output, make_pipe(command));
    RATLS_TRY(Pipe errors, make_pipe(command));
    pid_t pid = -1;
    const SpawnPlan plan(input.get(), output.write.get(), errors.write.get());
    if (const int error = plan.start(command.argv, pid); error != 0) {
        return system_failure(command, error);
    }
    Child child(pid);
    input.reset();
    output.write.reset();
    errors.write.reset();
    // By number: the header of glibc 2.36 declares pidfd_open for C only.
    const Descriptor end_of_child(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (end_of_child.get() < 0) {
        return system_failure(command, errno);
    }

    Finished out;
    RATLS_CHECK(
        collect(command, end_of_child.get(), output.read.get(), errors.read.get(), deadline, out));
    const int status = child.finish();
    if (WIFSIGNALED(status)) {
        return process_failure(command, Code::io,
                               "ended by signal " + std::to_string(WTERMSIG(status)));
    }
    out.exit_status = WEXITSTATUS(status);
    return out;
}

}  // namespace ratls
