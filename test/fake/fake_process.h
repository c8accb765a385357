// Programs that are functions of the test.
#pragma once

#include <functional>
#include <map>

#include "ratls/platform/process.h"

namespace ratls::test {

class FakeProcess : public Process {
  public:
    using Program = std::function<Result<Finished>(const Command& command)>;

    struct Call {
        std::vector<std::string> argv;
        Bytes input;
    };

    void install(const std::string& path, Program program) { programs_[path] = std::move(program); }
    /// What was run, in order.
    const std::vector<Call>& calls() const { return calls_; }

    Result<Finished> run(const Command& command) override {
        if (command.argv.empty() || !command.argv[0].starts_with('/')) {
            return fail(Code::usage, "process", "an absolute path wanted");
        }
        const auto program = programs_.find(command.argv[0]);
        if (program == programs_.end()) {
            return fail(Code::unavailable, "process: " + command.argv[0], "not installed");
        }
        calls_.push_back({command.argv, to_bytes(command.input)});
        RATLS_TRY(Finished finished, program->second(command));
        if (std::max(finished.output.size(), finished.errors.size()) > command.max_output) {
            return fail(Code::too_large, "process: " + command.argv[0], "wrote too much");
        }
        return finished;
    }

  private:
    std::map<std::string, Program> programs_;
    std::vector<Call> calls_;
};

}  // namespace ratls::test
