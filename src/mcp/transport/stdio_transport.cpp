// SPDX-License-Identifier: MIT
#include "mcp/transport/stdio_transport.hh"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <csignal>
#include <utility>

#include "aio/scope_guard.hh"
#include "core/bug.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_stderr_bytes = 8 * 1024;  // of its end
constexpr std::size_t max_stray_bytes = 200;        // of the first stray line
constexpr std::size_t max_stray_lines = 1000;
constexpr std::size_t read_bytes = 64 * 1024;
constexpr std::size_t crowded_bytes = 64 * 1024;  // answers wait while more than that is queued
// How long the streams of a process that has ended are still read. What it wrote itself is in the pipes already; only a
// grandchild that has inherited them can hold them open.
constexpr auto drain_limit = 500ms;
constexpr auto kill_limit = 500ms;

constexpr auto watching = "mcp child";

// Cuts at the end of a word: a search for secrets would not find half of one.
void drop_beginning(std::string& text) {
  if (text.size() <= max_stderr_bytes) return;
  const auto begin = text.size() - max_stderr_bytes;
  const auto blank = text.find_first_of(" \n", begin);
  text.erase(0, blank == std::string::npos ? begin : blank + 1);
}

}  // namespace

stdio_transport::stdio_transport(asio::any_io_executor executor, message_sink& sink, stdio_target server,
                                 transport_options options)
    : executor_(executor),
      sink_(sink),
      server_(std::move(server)),
      stop_timeout_(options.stop_timeout),
      max_line_(options.max_message_bytes),
      room_(options.message_budget, options.message_owner),
      group_(executor, [this](const std::string& task, const std::string& what) { end_by_bug(task, what); }) {}

task<void> stdio_transport::open() {
  program wanted;
  wanted.command = server_.command;
  wanted.environment = child_environment(server_.env);
  wanted.cwd = server_.cwd;
  auto starting = process::start(executor_, std::move(wanted));
  auto started = co_await std::move(starting);
  if (!started) co_return started.error();
  child_ = std::move(*started);
  group_.spawn("mcp stdout", read_output());
  group_.spawn("mcp stderr", read_errors());
  group_.spawn("mcp stdin", write_input());
  group_.spawn(watching, watch());
  co_return result<void>();
}

// A server that asks and does not read the answers gets no more of them.
asio::awaitable<void> stdio_transport::wait_for_room() {
  co_await asio::this_coro::throw_if_cancelled(false);
  bool notified = true;
  while (notified && queued_bytes_ > crowded_bytes && !closing_ && !ended_.is_open()) {
    notified = co_await queue_changed_.wait();
  }
}

task<void> stdio_transport::send(outgoing text) {
  if (closing_) co_return error(errc::stopped, "the session with the server is closed");
  if (ended_.is_open()) co_return result<void>();  // watch() is about to report why
  const bool unasked = text.id == 0;               // requests are the caller's own
  if (unasked) co_await wait_for_room();
  if (queued_bytes_ > (unasked ? crowded_bytes : max_line_))
    co_return error(errc::queue_full, "the server process does not read its standard input");
  text.text += '\n';
  queued_bytes_ += text.text.size();
  queue_.push_back(std::move(text.text));
  queue_changed_.notify();
  co_return result<void>();
}

asio::awaitable<void> stdio_transport::write_input() {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!ended_.is_open()) {
    if (queue_.empty()) {
      if (closing_) co_return;
      const bool notified = co_await queue_changed_.wait();
      if (!notified) co_return;
      continue;
    }
    auto [ec, written] = co_await asio::async_write(child_->input(), asio::buffer(queue_.front()), aio::use_ec);
    if (ec) {
      if (ec != asio::error::operation_aborted) ended_.open();  // it closed its input, or died: watch() finds out
      co_return;
    }
    queued_bytes_ -= written;
    queue_.pop_front();
    queue_changed_.notify();
  }
}

asio::awaitable<void> stdio_transport::read_output() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const aio::scope_guard over([this] {
    output_done_.open();
    ended_.open();
  });
  std::string buffer;
  std::vector<char> chunk(read_bytes);
  for (bool going = true; going;) {
    auto [ec, size] = co_await child_->output().async_read_some(asio::buffer(chunk), aio::use_ec);
    buffer.append(chunk.data(), size);
    going = !ec && take_lines(buffer);
    if (going) check_room(buffer);
  }
  if (!failure_ && !skipping_ && !buffer.empty()) take_line(std::move(buffer));
}

void stdio_transport::skip_rest(std::string& buffer) {
  const std::size_t end = buffer.find('\n');
  skipping_ = end == std::string::npos;
  buffer.erase(0, skipping_ ? end : end + 1);
}

// A line for which there is no room is thrown away.
void stdio_transport::check_room(std::string& buffer) {
  const auto enough = room_.resize(buffer.size());
  if (enough) return;
  skipping_ = true;
  buffer = std::string();
  static_cast<void>(room_.resize(0).has_value());
  sink_.on_no_room(enough.error());
}

// False when nothing more is to be read.
bool stdio_transport::take_lines(std::string& buffer) {
  if (skipping_) skip_rest(buffer);
  // Only the last chunk can hold a new line end; a line of megabytes must not be searched again and again.
  std::size_t end = buffer.find('\n', buffer.size() - std::min(buffer.size(), read_bytes));
  if (end == std::string::npos && buffer.size() <= max_line_) return true;
  // The first line may be long. It is taken with the room that it has; what follows is less than a chunk.
  std::string rest = end == std::string::npos ? std::string() : buffer.substr(end + 1);
  if (end != std::string::npos) {
    buffer.resize(end);
    take_line(std::exchange(buffer, std::string()));
  }
  std::size_t begin = 0;
  for (end = rest.find('\n'); end != std::string::npos && !failure_; end = rest.find('\n', begin)) {
    take_line(rest.substr(begin, end - begin));
    begin = end + 1;
  }
  if (!rest.empty()) buffer = rest.substr(begin);
  if (buffer.size() > max_line_) {
    fail(error(errc::too_large, "the server sent a message of more than " + std::to_string(max_line_) + " bytes"));
  }
  return !failure_;
}

void stdio_transport::take_line(std::string line) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.find_first_not_of(" \t") == std::string::npos) return;
  const std::string start = line.substr(0, max_stray_bytes);
  if (sink_.on_text(std::move(line), 0)) return;
  // Servers print banners and debug output there. It is their fault, and harmless.
  if (stray_lines_++ == 0) first_stray_line_ = start;
  sink_.on_oddity("text on standard output that is no message", start);
  if (stray_lines_ > max_stray_lines) {
    fail(error(errc::protocol, "the server writes text that is no JSON-RPC to its standard output", first_stray_line_));
  }
}

void stdio_transport::end_by_bug(const std::string& task, const std::string& what) {
  fail(bug_error("the session", what));
  if (task == watching && !closing_) sink_.on_lost(loss());
}

void stdio_transport::fail(error reason) {
  if (!failure_) failure_ = std::move(reason);
  ended_.open();
}

asio::awaitable<void> stdio_transport::read_errors() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const aio::scope_guard over([this] { errors_done_.open(); });
  std::vector<char> chunk(8 * 1024);
  for (;;) {
    auto [ec, size] = co_await child_->errors().async_read_some(asio::buffer(chunk), aio::use_ec);
    stderr_tail_.append(chunk.data(), size);
    drop_beginning(stderr_tail_);
    if (ec) break;
  }
}

// Notices the end of the process or of the conversation, and reports it once with everything that explains it.
asio::awaitable<void> stdio_transport::watch() {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto either = aio::race(child_->wait_exit(aio::deadline::max()), ended_.wait());
  auto over = co_await std::move(either);
  static_cast<void>(over);
  if (closing_) co_return;
  co_await child_->wait_exit(aio::after(drain_limit));
  const aio::deadline drained = aio::after(drain_limit);
  co_await output_done_.wait(drained);
  co_await errors_done_.wait(drained);
  ended_.open();
  queue_changed_.notify();
  if (!closing_) sink_.on_lost(loss());
}

error stdio_transport::loss() const {
  if (failure_) return *failure_;
  const std::string program = program_name(server_.command);
  if (child_->has_exited()) return error(errc::child_exited, "'" + program + "' " + child_->state_text(), diagnostics());
  return error(errc::connection_lost, "'" + program + "' closed its standard streams", diagnostics());
}

bool stdio_transport::has_peer_read() { return queue_.empty() && (!child_ || child_->has_read_input()); }

std::string stdio_transport::diagnostics() const {
  std::string out = stderr_tail_;
  while (!out.empty() && (out.back() == '\n' || out.back() == '\r')) out.pop_back();
  if (first_stray_line_.empty()) return out;
  if (!out.empty()) out += '\n';
  return out + "(on standard output: " + first_stray_line_ + ")";
}

asio::awaitable<void> stdio_transport::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (closing_) {
    co_await closed_.wait();
    co_return;
  }
  closing_ = true;
  queue_changed_.notify();
  if (child_) co_await stop_child();
  ended_.open();
  co_await group_.stop();
  // Reaped, so that nothing of it is left when this process ends at once.
  if (child_) co_await process::reap(std::move(child_), aio::after(kill_limit));
  closed_.open();
}

asio::awaitable<void> stdio_transport::stop_child() {
  // The queue is written first: a server may wait for an answer of ours before it looks for the end of its input.
  // There is nothing to wait for if this side has given up: the output is no longer read.
  const aio::deadline polite = failure_ ? aio::after(0s) : aio::after(stop_timeout_);
  while (!queue_.empty() && !ended_.is_open() && std::chrono::steady_clock::now() < polite) {
    co_await queue_changed_.wait(polite);
  }
  boost::system::error_code ignored;
  child_->input().close(ignored);
  co_await child_->wait_exit(polite);
  // Also when the process has ended by itself: processes that it left behind end now, and have time while they hold the
  // pipes.
  child_->signal_all(SIGTERM);
  const aio::deadline patient = aio::after(stop_timeout_);
  co_await child_->wait_exit(patient);
  co_await output_done_.wait(patient);
  // What a kill does not end in this time, because it waits for a disk, is left to process_thread.
  co_await child_->kill_all(aio::after(kill_limit));
}

}  // namespace mcpstate::mcp
