// SPDX-License-Identifier: MIT
#pragma once
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mcpstate::test {

// A child process whose output is read line by line. Ended and waited for with the object, by its id.
class child {
 public:
  explicit child(std::vector<std::string> words) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("no process");
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      std::vector<char*> arguments;
      for (auto& w : words) arguments.push_back(w.data());
      arguments.push_back(nullptr);
      execv(arguments[0], arguments.data());
      _exit(127);
    }
    close(ends[1]);
    output_ = fdopen(ends[0], "r");
  }
  ~child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      wait();
    }
    fclose(output_);
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  // Without its newline; empty at the end of the output.
  std::string line() {
    std::string out;
    for (int c = fgetc(output_); c != EOF && c != '\n'; c = fgetc(output_)) out += static_cast<char>(c);
    return out;
  }
  void kill_now() { kill(pid_, SIGKILL); }
  // Its exit code, or -1 if a signal ended it.
  int wait() {
    int state = 0;
    waitpid(std::exchange(pid_, -1), &state, 0);
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
  }

 private:
  pid_t pid_ = -1;
  FILE* output_ = nullptr;
};

}  // namespace mcpstate::test
