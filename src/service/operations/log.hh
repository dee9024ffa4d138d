// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <span>
#include <string_view>

#include "service/operations/log_line.hh"

// The log of the service: one line per event, to standard error.
//
//     log.info("listening", {{"address", "127.0.0.1:8080"}, {"tokens", true}});
//
// Format and protection of secrets: log_line.hh. What happens when nobody reads the log: log_writer.hh.
namespace mcpstate::service {

// Thread-safe. Logging never waits for the reader of standard error: lines that do not fit into the queue are dropped. A
// line "log lines were dropped" with their number follows as soon as there is room.
class log {
 public:
  log(log_style style, log_level level);                     // to standard error
  log(log_style style, log_level level, std::ostream& out);  // at once and to a stream that outlives it: for tests
  ~log();                                                    // waits a bounded time for lines that are not written yet
  log(const log&) = delete;
  log& operator=(const log&) = delete;

  void debug(std::string_view message, log_fields fields = {}) { write(log_level::debug, message, fields); }
  void info(std::string_view message, log_fields fields = {}) { write(log_level::info, message, fields); }
  void warn(std::string_view message, log_fields fields = {}) { write(log_level::warn, message, fields); }
  void error(std::string_view message, log_fields fields = {}) { write(log_level::error, message, fields); }
  void write(log_level level, std::string_view message, log_fields fields = {}) {
    write_fields(level, message, std::span<const log_field>(fields.begin(), fields.size()));
  }
  // For lines whose fields depend on what there is to tell.
  void write_fields(log_level level, std::string_view message, std::span<const log_field> fields);
  // Whether a line of this level is written. Callers ask before they prepare costly fields.
  [[nodiscard]] bool writes(log_level level) const noexcept { return level >= level_; }
  // How many lines were dropped so far.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  class sink;
  class stream_sink;
  class descriptor_sink;
  log_style style_;
  log_level level_;
  std::unique_ptr<sink> sink_;
};

}  // namespace mcpstate::service
