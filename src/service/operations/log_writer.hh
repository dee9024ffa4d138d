// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

// Writes lines to a file descriptor on a thread of its own, so that no caller ever waits for the reader of the log
// (docs/adr/0011-log-writer.md).
namespace mcpstate::service {

struct log_writer_options {
  log_writer_options() {}
  std::size_t queue_bytes = 1024 * 1024;  // of lines that are not written yet; a line that does not fit is dropped
  std::chrono::milliseconds close_timeout = std::chrono::milliseconds(300);  // for the lines that are left at the end
};

// Thread-safe. When the queue is full, new lines are dropped and counted. Once there is room again, a line says how many
// were dropped. Lines are written whole and in order; several short lines may share one write. A descriptor that fails (its
// reader is gone, the disk is full) drops what is being written.
//
// Destroying it waits until all lines are written, but at most for close_timeout and a little more. Lines that are left then
// are lost.
class log_writer {
 public:
  using drop_report = std::function<std::string(std::uint64_t lines)>;

  // descriptor: is not closed, and must stay open until the writer is destroyed. report: makes the line that says how many
  // lines were dropped; called on either thread.
  log_writer(int descriptor, drop_report report, log_writer_options options = {});
  ~log_writer();
  log_writer(const log_writer&) = delete;
  log_writer& operator=(const log_writer&) = delete;

  // line: without a line feed. Never waits.
  void write(std::string_view line);
  // How many lines were dropped so far.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct state;
  std::shared_ptr<state> state_;
  std::thread thread_;
};

}  // namespace mcpstate::service
