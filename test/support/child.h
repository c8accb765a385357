// A program that runs beside the test, and not longer.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace ratls::test {

class Child {
  public:
    Child() = default;
    /// Starts a program, looked for in PATH; what it prints goes to this file. Throws if it cannot
    /// be started. It is killed when this process dies, however that happens.
    Child(const std::vector<std::string>& argv, const std::string& log_file);
    Child(Child&& other) noexcept;
    Child& operator=(Child&& other) noexcept;
    ~Child() { stop(); }

    bool running();
    /// SIGTERM, SIGKILL after two seconds; waits for the end.
    void stop();

  private:
    pid_t pid_ = -1;
};

/// Asks every 10 ms until the answer is true; false when the time is over.
bool wait_until(const std::function<bool()>& done, int milliseconds = 10'000);

/// A TCP port on 127.0.0.1 that is free at this moment, as are the `more` ports after it.
unsigned free_port(unsigned more = 0);

/// A listening socket on 127.0.0.1, or -1; port 0 takes any.
int listen_on(unsigned port);
/// The port that a socket is bound to; throws if it is none.
unsigned port_of(int socket);

/// A connection to 127.0.0.1, or -1.
int connect_to(unsigned port);

}  // namespace ratls::test
