// SPDX-License-Identifier: MIT
#pragma once
#include <cstdlib>
#include <optional>
#include <string>

namespace mcpstate::test {

// Moves the default SQLite path, for this process and its children, for as long as the object lives.
class state_home {
 public:
  explicit state_home(const std::string& directory) {
    if (const char* was = std::getenv(name)) before_ = was;
    ::setenv(name, directory.c_str(), 1);
  }
  ~state_home() {
    if (before_) {
      ::setenv(name, before_->c_str(), 1);
    } else {
      ::unsetenv(name);
    }
  }
  state_home(const state_home&) = delete;
  state_home& operator=(const state_home&) = delete;

 private:
  static constexpr const char* name = "XDG_STATE_HOME";
  std::optional<std::string> before_;
};

}  // namespace mcpstate::test
