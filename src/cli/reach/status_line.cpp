// SPDX-License-Identifier: MIT
#include "cli/reach/status_line.hh"

#include <mcpstate/aio/deadline.hpp>

namespace mcpstate::cli {

status_line::status_line(context& ctx, std::string text)
    : screen_(ctx.screen), text_(std::move(text)), group_(ctx.executor, aio::end_process) {
  group_.spawn("status line", run());
}

void status_line::set_text(std::string text) {
  text_ = std::move(text);
  if (visible_) show();
}

void status_line::pause(bool paused) {
  paused_ = paused;
  if (paused) screen_.progress({});
}

void status_line::show() {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin_);
  if (!paused_) screen_.progress(text_ + " " + std::to_string(seconds.count()) + " s");
}

asio::awaitable<void> status_line::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (int second = 1;; ++second) {
    const bool due = co_await aio::wait_until(begin_ + second * std::chrono::seconds(1));
    if (!due) break;
    visible_ = true;
    show();
  }
}

asio::awaitable<void> status_line::stop() {
  co_await group_.stop();
  visible_ = false;
  screen_.progress({});
}

}  // namespace mcpstate::cli
