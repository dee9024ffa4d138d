// SPDX-License-Identifier: MIT
#include "service/operations/log_writer.hh"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <utility>

namespace mcpstate::service {

namespace {

using namespace std::chrono_literals;

constexpr auto poll_interval = 50ms;  // how often a blocked writer looks whether it was given up

// How many bytes go into one write: whole lines if possible. A pipe with room takes PIPE_BUF bytes at once, without
// blocking.
std::size_t chunk_size(std::string_view bytes) noexcept {
  if (bytes.size() <= PIPE_BUF) return bytes.size();
  const auto line_end = bytes.substr(0, PIPE_BUF).rfind('\n');
  return line_end == std::string_view::npos ? PIPE_BUF : line_end + 1;
}

bool wait_writable(int descriptor) noexcept {
  pollfd waiting{};
  waiting.fd = descriptor;
  waiting.events = POLLOUT;
  return ::poll(&waiting, 1, static_cast<int>(poll_interval.count())) > 0;
}

}  // namespace

// Shared with the thread, which may outlive the writer while a write blocks.
struct log_writer::state {
  state(int fd, drop_report make_report, log_writer_options chosen)
      : descriptor(fd), report(std::move(make_report)), options(chosen) {}

  const int descriptor;
  const drop_report report;
  const log_writer_options options;

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::string queue;           // whole lines
  std::size_t unwritten = 0;   // bytes that the thread has taken from the queue and not written yet
  std::uint64_t dropped = 0;   // lines
  std::uint64_t reported = 0;  // dropped lines that a line has told of
  bool failed = false;         // the last write failed
  bool closing = false, abandoned = false, ended = false;

  void queue_report();
  void run();
  void write_batch(std::string_view batch);
  [[nodiscard]] bool give_up();
  void note_written(std::size_t left);
  void note_failed(std::string_view lost);
};

// Queues the line about dropped lines, when there are any that nobody was told of. Needs the lock.
void log_writer::state::queue_report() {
  if (dropped == reported) return;
  queue.append(report(dropped - reported)).append(1, '\n');
  reported = dropped;
}

void log_writer::state::run() {
  std::string batch;
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return closing || !queue.empty(); });
    if (queue.empty() && !failed) queue_report();
    if (queue.empty()) break;
    batch.clear();
    batch.swap(queue);
    unwritten = batch.size();
    lock.unlock();
    write_batch(batch);
    lock.lock();
    unwritten = 0;
    // A report that cannot be written must not be made again and again: the next line brings it.
    if (queue.empty() && !failed) queue_report();
  }
  ended = true;
  changed.notify_all();
}

void log_writer::state::write_batch(std::string_view batch) {
  while (!batch.empty()) {
    if (give_up()) return note_failed(batch);
    if (!wait_writable(descriptor)) continue;
    const auto written = ::write(descriptor, batch.data(), chunk_size(batch));
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written < 0) return note_failed(batch);
    batch.remove_prefix(static_cast<std::size_t>(written));
    note_written(batch.size());
  }
}

bool log_writer::state::give_up() {
  const std::lock_guard lock(mutex);
  return abandoned;
}

void log_writer::state::note_written(std::size_t left) {
  const std::lock_guard lock(mutex);
  unwritten = left;
  failed = false;
}

void log_writer::state::note_failed(std::string_view lost) {
  const std::lock_guard lock(mutex);
  dropped += static_cast<std::uint64_t>(std::count(lost.begin(), lost.end(), '\n'));
  failed = true;
}

log_writer::log_writer(int descriptor, drop_report report, log_writer_options options)
    : state_(std::make_shared<state>(descriptor, std::move(report), options)) {
  // Signals are for the threads that expect them. A thread inherits the mask of its maker.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([shared = state_] { shared->run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

log_writer::~log_writer() {
  std::unique_lock lock(state_->mutex);
  state_->closing = true;
  state_->changed.notify_all();
  const auto has_ended = [this] { return state_->ended; };
  bool ended = state_->changed.wait_for(lock, state_->options.close_timeout, has_ended);
  if (!ended) {
    state_->abandoned = true;
    ended = state_->changed.wait_for(lock, 4 * poll_interval, has_ended);
  }
  lock.unlock();
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();  // it is inside a write that blocks; it holds the state and touches nothing else
  }
}

void log_writer::write(std::string_view line) {
  const std::lock_guard lock(state_->mutex);
  auto& s = *state_;
  if (s.queue.size() + s.unwritten + line.size() + 1 > s.options.queue_bytes) {
    ++s.dropped;
    return;
  }
  s.queue_report();
  s.queue.append(line).append(1, '\n');
  s.changed.notify_all();
}

std::uint64_t log_writer::dropped() const {
  const std::lock_guard lock(state_->mutex);
  return state_->dropped;
}

}  // namespace mcpstate::service
