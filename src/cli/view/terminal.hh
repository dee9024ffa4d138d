// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

#include "cli/view/table.hh"

// Standard output and standard error, and what each of them can show. Answers go to standard output; errors, notes and
// progress to standard error. Not safe from several threads.
namespace mcpstate::cli {

class terminal {
 public:
  // Looks at what the two streams are, and at NO_COLOR and TERM.
  explicit terminal(bool json);
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  [[nodiscard]] bool json() const noexcept { return json_; }
  [[nodiscard]] bool colour() const noexcept { return out_colour_; }
  [[nodiscard]] bool out_is_terminal() const noexcept { return out_terminal_; }
  [[nodiscard]] bool err_is_terminal() const noexcept { return err_terminal_; }
  [[nodiscard]] std::size_t width() const noexcept { return width_; }  // of standard output; 0: not limited

  // Bytes as they are.
  void write(std::string_view bytes);
  void write(const table& rows);
  // One line, its end added.
  void line(const std::string& text);
  // After a line that somebody may be waiting for.
  void flush();

  // "mcpstate: …" on standard error, in one line. What others said is made harmless.
  void fail(std::string_view text);
  // The same for an error, of which `text` tells.
  void fail(const error& why, std::string_view text);
  // With --json, if standard output has nothing yet: the last failure as one problem object (RFC 9457).
  void finish_json(int exit_code);
  // Text of several lines on standard error, as it is; a question may end without a line end.
  void write_error(std::string_view bytes);
  // A dim line on standard error; nothing with --json, or for an empty text.
  void note(std::string_view text);
  // Replaces the line on standard error, when that is a terminal; an empty text takes it away.
  void progress(std::string_view text);

  // False once standard output took no more.
  [[nodiscard]] bool writable() const noexcept { return !failed_; }
  // Whether all output has arrived where it should; flushes. A closed pipe is nothing to report, but a failure.
  [[nodiscard]] bool all_written();

 private:
  bool json_;
  bool out_terminal_, err_terminal_;
  bool out_colour_, err_colour_;
  std::size_t width_;
  bool progress_shown_ = false;
  bool written_ = false;  // something, to standard output
  std::string failure_;   // the last text of fail()
  std::optional<errc> failure_code_;
  bool failed_ = false;
  int errno_ = 0;
};

}  // namespace mcpstate::cli
