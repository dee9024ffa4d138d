// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <string>

#include <mcpstate/aio/task_group.hpp>

#include "cli/reach/run.hh"

namespace mcpstate::cli {

// A line on standard error with the seconds that something takes; from the first full second on, and on a terminal only.
// Lifetime: await stop() before destroying.
class status_line {
 public:
  status_line(context& ctx, std::string text);
  void set_text(std::string text);
  // Not shown while something else is on the screen that must not be written over.
  void pause(bool paused);
  asio::awaitable<void> stop();

 private:
  asio::awaitable<void> run();
  void show();

  terminal& screen_;
  std::string text_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  bool paused_ = false, visible_ = false;
  aio::task_group group_;
};

}  // namespace mcpstate::cli
