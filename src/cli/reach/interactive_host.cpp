// SPDX-License-Identifier: MIT
#include "cli/reach/interactive_host.hh"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>

#include <algorithm>
#include <utility>

#include "cli/view/json.hh"
#include "core/text/ascii.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

constexpr std::size_t longest_line = 64 * 1024;

std::string action_json(const char* action, const std::string& content = {}) {
  object_writer out;
  out.text("action", action);
  if (!content.empty()) out.raw("content", content);
  return out.str();
}

error withdrawn() { return error(errc::stopped, "the question was taken back"); }

// Several lines, each of them harmless.
std::string indented_lines(std::string_view text) {
  std::string out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    out += "  " + printable(text.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  return out;
}

}  // namespace

std::shared_ptr<interactive_host> interactive_host::make(asio::any_io_executor executor, terminal& screen,
                                                         std::string server, std::function<void(bool)> on_question) {
  if (::isatty(STDIN_FILENO) != 1 || !screen.err_is_terminal()) return nullptr;
  // Asio reads without blocking, which is a mode that everybody who has the same open file would share: the shell, too.
  const int keyboard = ::open("/proc/self/fd/0", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (keyboard < 0) return nullptr;
  return std::shared_ptr<interactive_host>(
      new interactive_host(executor, keyboard, screen, std::move(server), std::move(on_question)));
}

interactive_host::interactive_host(asio::any_io_executor executor, int keyboard, terminal& screen, std::string server,
                                   std::function<void(bool)> on_question)
    : keyboard_(executor, keyboard), screen_(screen), server_(std::move(server)), on_question_(std::move(on_question)) {}

task<std::string> interactive_host::answer(std::string method, std::string params) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (method != "elicitation/create") co_return error(errc::unsupported, "nobody here answers " + method);
  while (asking_) {
    const bool woken = co_await answered_.wait();
    if (!woken) co_return withdrawn();
  }
  asking_ = true;
  on_question_(true);
  auto answered = co_await ask(std::move(params));
  on_question_(false);
  asking_ = false;
  answered_.notify();
  co_return answered;
}

task<std::string> interactive_host::ask(std::string params) {
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_TRY(questions, parse_form(params));
  screen_.write_error("\n" + printable(server_) + " asks:\n" + indented_lines(questions.message));
  screen_.write_error("Answer it? [Y]es, [d]ecline, [c]ancel: ");
  for (;;) {
    MCPSTATE_CO_TRY(line, co_await read_line());
    if (!line) co_return action_json("cancel");
    const char first = line->empty() ? 'y' : ascii_lower(line->front());
    if (first == 'd' || first == 'n') co_return action_json("decline");
    if (first == 'c') co_return action_json("cancel");
    if (first == 'y') break;
    screen_.write_error("y, d or c: ");
  }
  co_return co_await fill_in(std::move(params), std::move(questions));
}

task<std::string> interactive_host::fill_in(std::string params, form questions) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::string content = "{";
  for (const form_field& field : questions.fields) {
    auto value = co_await ask_field(field);
    if (!value && value.error().code() == errc::no_record) co_return action_json("cancel");
    if (!value) co_return value.error();
    if (!value->empty()) content += (content.size() > 1 ? "," : "") + mcp::quote_json(field.name) + ":" + *value;
  }
  MCPSTATE_CO_TRY(full, mcp::with_defaults(params, content + "}"));
  co_return action_json("accept", full);
}

task<std::string> interactive_host::ask_field(const form_field& field) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    screen_.write_error("  " + question_text(field));
    MCPSTATE_CO_TRY(line, co_await read_line());
    if (!line) co_return error(errc::no_record, "the input is over");
    auto value = parse_answer(field, *line);
    if (value) co_return std::move(*value);
    screen_.write_error("  " + value.error().detail() + "\n");
  }
}

task<std::optional<std::string>> interactive_host::read_line() {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto buffer = asio::dynamic_buffer(typed_, longest_line);
  auto [ec, size] = co_await asio::async_read_until(keyboard_, buffer, '\n', aio::use_ec);
  if (ec) {
    screen_.write_error("\n");
    if (ec == asio::error::operation_aborted) co_return withdrawn();
    co_return std::optional<std::string>();
  }
  std::string line = typed_.substr(0, size - 1);
  typed_.erase(0, size);
  co_return std::optional<std::string>(std::move(line));
}

}  // namespace mcpstate::cli
