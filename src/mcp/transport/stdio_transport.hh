// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/mcp/target.hpp>

#include "aio/event.hh"
#include "aio/latch.hh"
#include "mcp/transport/message_room.hh"
#include "mcp/transport/process.hh"
#include "mcp/transport/transport.hh"

// Messages as lines over the standard streams of a child process. Writing is queued and never blocks reading, so a server
// that writes before it reads cannot deadlock us; standard error is always drained, and its end is kept.
namespace mcpstate::mcp {

class stdio_transport final : public transport {
 public:
  stdio_transport(asio::any_io_executor executor, message_sink& sink, stdio_target server, transport_options options);

  [[nodiscard]] std::string_view name() const noexcept override { return "stdio"; }
  task<void> open() override;
  // Queues the line; queue_full when the server has stopped reading and far too much is waiting.
  task<void> send(outgoing text) override;
  void on_negotiated(const std::string& version) override { static_cast<void>(version); }
  task<void> follow() override { co_return result<void>(); }  // the pipe is there already
  // The end of standard error, then the first line on standard output that was no message.
  [[nodiscard]] std::string diagnostics() const override;
  [[nodiscard]] bool has_peer_read() override;
  asio::awaitable<void> close() override;

 private:
  asio::awaitable<void> wait_for_room();
  asio::awaitable<void> read_output();
  asio::awaitable<void> read_errors();
  asio::awaitable<void> write_input();
  asio::awaitable<void> watch();
  asio::awaitable<void> stop_child();
  bool take_lines(std::string& buffer);
  void skip_rest(std::string& buffer);
  void check_room(std::string& buffer);
  void take_line(std::string line);
  void fail(error reason);
  void end_by_bug(const std::string& task, const std::string& what);
  [[nodiscard]] error loss() const;

  asio::any_io_executor executor_;
  message_sink& sink_;
  stdio_target server_;
  std::chrono::milliseconds stop_timeout_;
  std::size_t max_line_;
  message_room room_;  // for the line that is arriving

  std::unique_ptr<process> child_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  aio::event queue_changed_;
  bool closing_ = false;
  bool skipping_ = false;  // the line that is arriving is thrown away
  std::string stderr_tail_, first_stray_line_;
  std::size_t stray_lines_ = 0;   // lines on standard output that were no message
  std::optional<error> failure_;  // why this side has given up
  aio::latch ended_;              // one side has ended the conversation
  aio::latch output_done_, errors_done_, closed_;
  aio::task_group group_;
};

}  // namespace mcpstate::mcp
