// SPDX-License-Identifier: MIT
#include "service/operations/log.hh"

#include <unistd.h>

#include <mutex>
#include <ostream>

#include "service/operations/log_writer.hh"

namespace mcpstate::service {

class log::sink {
 public:
  virtual ~sink() = default;
  virtual void write(std::string_view line) = 0;
  [[nodiscard]] virtual std::uint64_t dropped() const { return 0; }
};

class log::stream_sink final : public sink {
 public:
  explicit stream_sink(std::ostream& out) : out_(out) {}
  void write(std::string_view line) override {
    const std::lock_guard lock(mutex_);
    out_ << line << '\n' << std::flush;
  }

 private:
  std::mutex mutex_;
  std::ostream& out_;
};

class log::descriptor_sink final : public sink {
 public:
  explicit descriptor_sink(log_style style)
      : writer_(STDERR_FILENO, [style](std::uint64_t lines) {
          return log_line(style, wall_clock().now(), log_level::warn, "log lines were dropped", {{"lines", lines}});
        }) {}
  void write(std::string_view line) override { writer_.write(line); }
  [[nodiscard]] std::uint64_t dropped() const override { return writer_.dropped(); }

 private:
  log_writer writer_;
};

log::log(log_style style, log_level level) : style_(style), level_(level), sink_(std::make_unique<descriptor_sink>(style)) {}

log::log(log_style style, log_level level, std::ostream& out)
    : style_(style), level_(level), sink_(std::make_unique<stream_sink>(out)) {}

log::~log() = default;

void log::write_fields(log_level level, std::string_view message, std::span<const log_field> fields) {
  if (level == log_level::off || !writes(level)) return;
  sink_->write(log_line(style_, wall_clock().now(), level, message, fields));
}

std::uint64_t log::dropped() const { return sink_->dropped(); }

}  // namespace mcpstate::service
