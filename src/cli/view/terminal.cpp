// SPDX-License-Identifier: MIT
#include "cli/view/terminal.hh"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cli/view/json.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

bool wants_colour(bool is_terminal) {
  const char* none = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::strcmp(term, "dumb") == 0;
  return is_terminal && !dumb && (none == nullptr || *none == '\0');
}

std::size_t terminal_width(bool is_terminal) {
  winsize size{};
  if (!is_terminal || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

}  // namespace

terminal::terminal(bool json)
    : json_(json),
      out_terminal_(::isatty(STDOUT_FILENO) == 1),
      err_terminal_(::isatty(STDERR_FILENO) == 1),
      out_colour_(wants_colour(out_terminal_)),
      err_colour_(wants_colour(err_terminal_)),
      width_(terminal_width(out_terminal_)) {}

void terminal::write(std::string_view bytes) {
  progress({});
  written_ = written_ || !bytes.empty();
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() || failed_) return;
  failed_ = true;
  errno_ = errno;
}

void terminal::write(const table& rows) { write(rows.text(out_colour_, width_)); }

void terminal::line(const std::string& text) { write(text + "\n"); }

void terminal::flush() {
  if (std::fflush(stdout) == 0 || failed_) return;
  failed_ = true;
  errno_ = errno;
}

void terminal::write_error(std::string_view bytes) {
  progress({});
  flush();
  std::fwrite(bytes.data(), 1, bytes.size(), stderr);
  std::fflush(stderr);
}

void terminal::fail(std::string_view text) {
  failure_ = printable(text);
  failure_code_.reset();
  write_error(painted("mcpstate:", tone::bad, err_colour_) + " " + printable(text) + "\n");
}

void terminal::fail(const error& why, std::string_view text) {
  fail(text);
  failure_code_ = why.code();
}

void terminal::finish_json(int exit_code) {
  if (!json_ || written_ || failure_.empty()) return;
  object_writer out;
  out.text("type", "about:blank").text("title", failure_code_ ? name_of(condition_of(*failure_code_)) : "failed");
  out.text("detail", failure_);
  if (failure_code_) out.text("code", name_of(*failure_code_));
  out.number("exit_code", static_cast<std::uint64_t>(exit_code));
  line(out.str());
}

void terminal::note(std::string_view text) {
  if (!json_ && !text.empty()) write_error(painted(printable(text), tone::dim, err_colour_) + "\n");
}

void terminal::progress(std::string_view text) {
  if (!err_terminal_ || (text.empty() && !progress_shown_)) return;
  const std::string out = "\r\x1b[K" + painted(printable(text), tone::dim, err_colour_);
  std::fwrite(out.data(), 1, out.size(), stderr);
  progress_shown_ = !text.empty();
}

bool terminal::all_written() {
  progress({});
  flush();
  if (failed_ && errno_ != EPIPE) fail(std::string("cannot write to standard output: ") + std::strerror(errno_));
  return !failed_;
}

}  // namespace mcpstate::cli
