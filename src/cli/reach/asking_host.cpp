// SPDX-License-Identifier: MIT
#include "cli/reach/asking_host.hh"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>

#include <array>
#include <utility>
#include <vector>

#include "cli/view/text.hh"
#include "core/json/slice.hh"

namespace mcpstate::cli {

namespace {

constexpr std::size_t longest_line = 64 * 1024;

std::string with_action(const char* action, const std::string& content) {
  std::string out = std::string("{\"action\":\"") + action + "\"";
  if (!content.empty()) out += ",\"content\":" + content;
  return out + "}";
}

error taken_back() { return error(errc::stopped, "the question was taken back"); }

// Several lines, each of them harmless.
std::string indented_lines(const std::string& text) {
  std::string out;
  for (std::size_t from = 0; from <= text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    out += "  " + shown(text.substr(from, end - from)) + "\n";
    from = end + 1;
  }
  return out;
}

}  // namespace

std::shared_ptr<asking_host> asking_host::make(asio::any_io_executor executor, terminal& screen, std::string server,
                                               std::function<void(bool)> on_hold) {
  if (::isatty(STDIN_FILENO) != 1 || !screen.err_is_terminal()) return nullptr;
  // Asio reads without blocking, which is a mode that everybody who has the same open file would share: the shell, too.
  const int keyboard = ::open("/proc/self/fd/0", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (keyboard < 0) return nullptr;
  return std::shared_ptr<asking_host>(new asking_host(executor, keyboard, screen, std::move(server), std::move(on_hold)));
}

asking_host::asking_host(asio::any_io_executor executor, int keyboard, terminal& screen, std::string server,
                         std::function<void(bool)> on_hold)
    : keyboard_(executor, keyboard), screen_(screen), server_(std::move(server)), on_hold_(std::move(on_hold)) {}

task<std::string> asking_host::answer(std::string method, std::string params) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (method != "elicitation/create") co_return error(errc::unsupported, "nobody here answers " + method);
  while (asking_) {
    const std::shared_ptr<aio::latch> before = asking_;
    const bool over = co_await before->wait();
    if (!over) co_return taken_back();
  }
  asking_ = std::make_shared<aio::latch>();
  on_hold_(true);
  auto asked = co_await ask(std::move(params));
  on_hold_(false);
  std::exchange(asking_, nullptr)->open();
  co_return asked;
}

task<std::string> asking_host::ask(std::string params) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto what = read_form(params);
  if (!what) co_return what.error();
  screen_.aside("\n" + shown(server_) + " asks:\n" + indented_lines(what->message));
  screen_.aside("Answer it? [Y]es, [d]ecline, [c]ancel: ");
  for (;;) {
    auto line = co_await read_line();
    if (!line) co_return line.error();
    if (!*line) co_return with_action("cancel", "");
    const char first = (*line)->empty() ? 'y' : (*line)->front();
    if (first == 'd' || first == 'D' || first == 'n' || first == 'N') co_return with_action("decline", "");
    if (first == 'c' || first == 'C') co_return with_action("cancel", "");
    if (first == 'y' || first == 'Y') break;
    screen_.aside("y, d or c: ");
  }
  co_return co_await fill_in(std::move(params), std::move(*what));
}

task<std::string> asking_host::fill_in(std::string params, form what) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::string content = "{";
  for (const form_field& field : what.fields) {
    auto value = co_await ask_field(field);
    if (!value && value.error().code() == errc::no_record) co_return with_action("cancel", "");
    if (!value) co_return value.error();
    if (value->empty()) continue;
    content += (content.size() > 1 ? "," : "") + mcp::quote_json(field.name) + ":" + *value;
  }
  const auto full = mcp::with_defaults(params, content + "}");
  if (!full) co_return full.error();
  co_return with_action("accept", *full);
}

// no_record at the end of the input.
task<std::string> asking_host::ask_field(const form_field& field) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    screen_.aside("  " + question_of(field));
    auto line = co_await read_line();
    if (!line) co_return line.error();
    if (!*line) co_return error(errc::no_record, "the input is over");
    auto value = read_answer(field, **line);
    if (value) co_return std::move(*value);
    screen_.aside("  " + value.error().detail() + "\n");
  }
}

task<std::optional<std::string>> asking_host::read_line() {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::array<char, 4096> part{};
  for (;;) {
    const auto end = typed_.find('\n');
    if (end != std::string::npos) {
      std::string line = typed_.substr(0, end);
      typed_.erase(0, end + 1);
      co_return std::optional<std::string>(std::move(line));
    }
    auto [ec, size] = co_await keyboard_.async_read_some(asio::buffer(part), aio::use_ec);
    if (ec == asio::error::operation_aborted) {
      screen_.aside("\n");
      co_return taken_back();
    }
    if (ec || typed_.size() > longest_line) {
      screen_.aside("\n");
      co_return std::optional<std::string>();
    }
    typed_.append(part.data(), size);
  }
}

}  // namespace mcpstate::cli
