// SPDX-License-Identifier: MIT
#include "mcp/transport/stdio_transport.hh"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <csignal>

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t stderr_kept = 8 * 1024;
constexpr std::size_t junk_kept = 200;
constexpr std::size_t max_junk_lines = 1000;
// How long the streams of a process that has ended may still deliver: its own last words are in the pipes already; only a
// grandchild that inherited them can hold them open.
constexpr auto drain_limit = 500ms;

// Not in the middle of a word: whoever looks for secrets in it does not know the half of one.
void drop_beginning(std::string& text) {
  if (text.size() <= stderr_kept) return;
  const auto from = text.size() - stderr_kept;
  const auto blank = text.find_first_of(" \n", from);
  text.erase(0, blank == std::string::npos ? from : blank + 1);
}

}  // namespace

stdio_transport::stdio_transport(asio::any_io_executor executor, message_sink& sink, stdio_target where,
                                 transport_options options)
    : executor_(executor),
      sink_(sink),
      where_(std::move(where)),
      stop_timeout_(options.stop_timeout),
      max_line_(options.max_message_bytes),
      queue_changed_(executor, asio::steady_timer::time_point::max()),
      group_(executor) {}

task<void> stdio_transport::open() {
  program what;
  what.command = where_.command;
  what.environment = child_environment(where_.env);
  what.cwd = where_.cwd;
  auto started = process::start(executor_, what);
  if (!started) co_return started.error();
  child_ = std::move(*started);
  group_.spawn("mcp stdout", read_output());
  group_.spawn("mcp stderr", read_errors());
  group_.spawn("mcp stdin", write_input());
  group_.spawn("mcp child", watch());
  co_return result<void>();
}

task<void> stdio_transport::send(outgoing what) {
  if (closing_) co_return error(errc::stopped, "the session with the server is closed");
  if (ended_.is_open()) co_return result<void>();  // watch() is about to report why
  if (queued_bytes_ > max_line_) co_return error(errc::queue_full, "the server process does not read its standard input");
  what.text += '\n';
  queued_bytes_ += what.text.size();
  queue_.push_back(std::move(what.text));
  queue_changed_.cancel();
  co_return result<void>();
}

asio::awaitable<void> stdio_transport::write_input() {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!ended_.is_open()) {
    if (queue_.empty()) {
      if (closing_) co_return;
      auto [ec] = co_await queue_changed_.async_wait(aio::use_ec);
      static_cast<void>(ec);  // always "cancelled": the queue or the state has changed
      if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) co_return;
      continue;
    }
    auto [ec, written] = co_await asio::async_write(child_->input(), asio::buffer(queue_.front()), aio::use_ec);
    if (ec) {
      if (ec != asio::error::operation_aborted) ended_.open();  // it closed its input, or died: watch() finds out
      co_return;
    }
    queued_bytes_ -= written;
    queue_.pop_front();
    if (queue_.empty()) queue_changed_.cancel();
  }
}

asio::awaitable<void> stdio_transport::read_output() {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::string buffer;
  std::vector<char> chunk(64 * 1024);
  for (bool going = true; going;) {
    auto [ec, size] = co_await child_->output().async_read_some(asio::buffer(chunk), aio::use_ec);
    buffer.append(chunk.data(), size);
    going = !ec && take_lines(buffer);
  }
  if (!broken_ && !buffer.empty()) take_line(std::move(buffer));
  output_done_.open();
  ended_.open();
}

// False when nothing more is to be read.
bool stdio_transport::take_lines(std::string& buffer) {
  std::size_t from = 0;
  // Only the last chunk can hold a new line end; a line of megabytes must not be searched again and again.
  std::size_t end = buffer.find('\n', buffer.size() - std::min<std::size_t>(buffer.size(), 64 * 1024));
  while (end != std::string::npos && !broken_) {
    take_line(buffer.substr(from, end - from));
    from = end + 1;
    end = buffer.find('\n', from);
  }
  buffer.erase(0, from);
  if (buffer.size() > max_line_) {
    fail(error(errc::too_large, "the server sent a message of more than " + std::to_string(max_line_) + " bytes"));
  }
  return !broken_;
}

void stdio_transport::take_line(std::string line) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.find_first_not_of(" \t") == std::string::npos) return;
  const std::string start = line.substr(0, junk_kept);
  if (sink_.on_text(std::move(line), 0)) return;
  // Servers print banners and debug output there. It is their bug, but harmless.
  if (junk_lines_++ == 0) first_junk_ = start;
  sink_.on_oddity("text on standard output that is no message", start);
  if (junk_lines_ > max_junk_lines) {
    fail(error(errc::protocol, "the server writes text that is no JSON-RPC to its standard output", first_junk_));
  }
}

void stdio_transport::fail(error why) {
  if (!broken_) broken_ = std::move(why);
  ended_.open();
}

asio::awaitable<void> stdio_transport::read_errors() {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::vector<char> chunk(8 * 1024);
  for (;;) {
    auto [ec, size] = co_await child_->errors().async_read_some(asio::buffer(chunk), aio::use_ec);
    stderr_tail_.append(chunk.data(), size);
    drop_beginning(stderr_tail_);
    if (ec) break;
  }
  errors_done_.open();
}

// Notices the end of the process or of the conversation, and reports it once with everything that explains it.
asio::awaitable<void> stdio_transport::watch() {
  using namespace asio::experimental::awaitable_operators;
  co_await asio::this_coro::throw_if_cancelled(false);
  auto either = child_->wait_exit(aio::deadline::max()) || ended_.wait();
  auto over = co_await std::move(either);
  static_cast<void>(over);
  if (closing_) co_return;
  co_await child_->wait_exit(aio::after(drain_limit));
  const aio::deadline drained = aio::after(drain_limit);
  co_await output_done_.wait(drained);
  co_await errors_done_.wait(drained);
  ended_.open();
  queue_changed_.cancel();
  if (!closing_) sink_.on_lost(why_lost());
}

error stdio_transport::why_lost() const {
  if (broken_) return *broken_;
  const std::string program = program_name(where_.command);
  if (child_->has_exited()) return error(errc::child_exited, "'" + program + "' " + child_->state_text(), last_words());
  return error(errc::connection_lost, "'" + program + "' closed its standard streams", last_words());
}

std::string stdio_transport::last_words() const {
  std::string out = stderr_tail_;
  while (!out.empty() && (out.back() == '\n' || out.back() == '\r')) out.pop_back();
  if (first_junk_.empty()) return out;
  if (!out.empty()) out += '\n';
  return out + "(on standard output: " + first_junk_ + ")";
}

asio::awaitable<void> stdio_transport::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (closing_) {
    co_await closed_.wait();
    co_return;
  }
  closing_ = true;
  queue_changed_.cancel();
  if (child_) co_await stop_child();
  ended_.open();
  co_await group_.stop();
  child_.reset();
  closed_.open();
}

asio::awaitable<void> stdio_transport::stop_child() {
  // What is queued goes out first: a server may be waiting for an answer of ours before it looks for the end of its input.
  // With one that we gave up on there is nothing to wait for: its output is no longer read.
  const aio::deadline polite = broken_ ? aio::after(0s) : aio::after(stop_timeout_);
  while (!queue_.empty() && !ended_.is_open() && std::chrono::steady_clock::now() < polite) {
    queue_changed_.expires_at(polite);
    auto [ec] = co_await queue_changed_.async_wait(aio::use_ec);
    static_cast<void>(ec);
  }
  boost::system::error_code ignored;
  child_->input().close(ignored);
  co_await child_->wait_exit(polite);
  // Also when it went by itself: what it started and left behind is asked to follow, and has time while it keeps the pipes.
  child_->signal_group(SIGTERM);
  const aio::deadline patient = aio::after(stop_timeout_);
  co_await child_->wait_exit(patient);
  co_await output_done_.wait(patient);
  child_->signal_group(SIGKILL);
  co_await child_->wait_exit(aio::deadline::max());
}

}  // namespace mcpstate::mcp
