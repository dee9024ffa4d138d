// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <string>

// How long a program may be silent when it is started. Pure.
//
// The first start of a command line may have to install what it runs (npx, uvx), so that it has long; after one success the
// next starts are quick. A program that was ended because it was silent for too long has at least that time again, and more
// each time: what is lost when it is ended, as an installation is, would else never come to its end.
namespace mcpstate {

class startup_times {
 public:
  using span = std::chrono::milliseconds;
  static constexpr span longest = std::chrono::minutes(10);
  // first: of a command line that has not started yet; later: of one that has.
  startup_times(span first, span later) : first_(first), later_(later) {}

  // command: the same text for the same command line. chosen: what the servers file says; it is not lengthened.
  [[nodiscard]] span next(const std::string& command, std::optional<span> chosen) const;
  void started(const std::string& command);
  // It was silent for this long, and was ended.
  void ended_silent(const std::string& command, span given);

 private:
  struct known {
    bool started = false;  // the last start was a success
    span minimum{0};
  };
  span first_, later_;
  std::map<std::string, known> known_;
};

}  // namespace mcpstate
