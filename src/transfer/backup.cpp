// SPDX-License-Identifier: MIT
#include "transfer/backup.hh"

#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include <mcpstate/aio/offload.hpp>
#include <mcpstate/aio/task_group.hpp>

#include "aio/caller_settings.hh"
#include "aio/event.hh"
#include "archive/archived_record.hh"
#include "archive/section.hh"
#include "core/bug.hh"
#include "transfer/patience.hh"

namespace mcpstate::transfer {

namespace {

constexpr std::size_t section_bytes = std::size_t{256} * 1024;     // of a body that is full
constexpr std::size_t most_waiting = 3;                            // bodies
constexpr std::size_t most_queued = 4096;                          // owners
constexpr unsigned most_reads = 32;                                // at a time
constexpr std::size_t reads_bytes = std::size_t{8} * 1024 * 1024;  // about what they may bring together

class backup_job {
 public:
  backup_job(store& from, byte_sink& to, backup_request request)
      : from_(from),
        to_(to),
        request_(std::move(request)),
        work_(from.executor(),
              [this](const std::string&, const std::string& cause) { fail(error(errc::bug, "internal error: " + cause)); }) {
  }

  task<backup_state> run() {
    MCPSTATE_CO_CHECK(co_await write_head());
    work_.spawn("find owners", find_owners());
    for (unsigned i = 0; i < most_reads; ++i) {
      ++readers_;
      work_.spawn("read owners", read_owners(i));
    }
    work_.spawn("write sections", write_sections());
    bool cancelled = false;
    while (!failure_ && !written_ && !cancelled) cancelled = !co_await ended_.wait();
    if (!written_) to_.stop();
    co_await work_.stop();
    if (failure_) co_return *failure_;
    if (!written_) co_return error(errc::stopped, "the backup was not finished");
    MCPSTATE_CO_CHECK(co_await write_section(std::string(archive::end_section), encode_totals(state_.counts)));
    co_return std::move(state_);
  }

 private:
  task<void> write_head() {
    archive::head first;
    first.version = request_.version;
    first.created_at = from_.now();
    first.store = from_.description();
    MCPSTATE_CO_CHECK(co_await write(archive::section_writer::preamble()));
    co_return co_await write_section(std::string(archive::head_section), encode_head(first));
  }

  task<void> write(std::string bytes) {
    const std::size_t size = bytes.size();
    auto job = [this, bytes = std::move(bytes)] { return to_.write(bytes); };
    auto done = co_await aio::offload(pool_, std::move(job));
    if (done) state_.bytes += size;
    co_return done;
  }

  // The section is made and written on the other thread.
  task<void> write_section(std::string type, std::string body) {
    auto job = [this, type = std::move(type), body = std::move(body)]() -> result<std::uint64_t> {
      const std::string bytes = sections_.next(type, body);
      MCPSTATE_CHECK(to_.write(bytes));
      return bytes.size();
    };
    auto done = co_await aio::offload(pool_, std::move(job));
    if (!done) co_return done.error();
    state_.bytes += *done;
    co_return result<void>();
  }

  void fail(error why) {
    if (!failure_) failure_ = std::move(why);
    ended_.notify();
  }

  asio::awaitable<void> find_owners() {
    co_await asio::this_coro::throw_if_cancelled(false);
    queue_.insert(queue_.end(), request_.owners.begin(), request_.owners.end());
    std::string cursor;
    bool more = queue_.empty();
    patience again;
    while (more) {
      auto page = co_await from_.scan_owners(cursor);
      if (!page) {
        const bool once_more = co_await again.wait_after(page.error());
        if (once_more) continue;
        fail(page.error());
        co_return;
      }
      for (auto& one : page->owners) queue_.push_back(std::move(one.owner));
      cursor = page->cursor;
      more = !cursor.empty();
      work_left_.notify();
      while (more && queue_.size() > most_queued) {
        const bool woken = co_await queue_shorter_.wait();
        if (!woken) co_return;
      }
    }
    found_all_ = true;
    work_left_.notify();
  }

  // Fewer read at a time where owners are large.
  [[nodiscard]] bool may_read(unsigned reader) const noexcept {
    return reader == 0 || (reader + 1) * recent_bytes_ <= reads_bytes;
  }

  asio::awaitable<void> read_owners(unsigned reader) {
    co_await asio::this_coro::throw_if_cancelled(false);
    for (;;) {
      while ((queue_.empty() && !found_all_) || waiting_.size() >= most_waiting || (!may_read(reader) && !queue_.empty())) {
        const bool woken = co_await work_left_.wait();
        if (!woken) co_return;
      }
      if (queue_.empty()) break;
      owner account = std::move(queue_.front());
      queue_.pop_front();
      queue_shorter_.notify();
      const bool read = co_await read_owner(std::move(account));
      if (!read) co_return;
    }
    --readers_;
    if (readers_ > 0) co_return;
    finish_body();
    body_left_.notify();
  }

  // False: the backup has failed.
  asio::awaitable<bool> read_owner(owner account) {
    patience again;
    for (;;) {
      auto all = co_await from_.list(account, tools_wanted::yes);
      if (all) {
        add(**all);
        co_return true;
      }
      if (all.error().is(cond::corrupt)) {
        leave_out(account.text(), all.error().detail());
        co_return true;
      }
      const bool once_more = co_await again.wait_after(all.error());
      if (once_more) continue;
      fail(all.error());
      co_return false;
    }
  }

  void leave_out(const std::string& name, const std::string& why) {
    ++state_.counts.left_out;
    state_.faults.add(name, why);
  }

  void add(const owner_snapshot& all) {
    std::size_t bytes = 0;
    bool any = false;
    for (const auto& one : all) {
      if (!one.state) {
        leave_out(one.owner.text() + " " + one.server, one.problems.empty() ? "its status is unknown" : one.problems.back());
        continue;
      }
      note_missing_tools(one);
      const std::size_t before = body_.size();
      archive::append_record(body_, one, from_.now());
      bytes += body_.size() - before;
      ++state_.counts.records;
      any = true;
      if (body_.size() >= section_bytes) finish_body();
    }
    if (any) ++state_.counts.owners;
    recent_bytes_ = std::max(bytes, recent_bytes_ - recent_bytes_ / 8);
    work_left_.notify();  // for readers that were too many
    if (request_.progress) request_.progress(state_);
  }

  // A list that is too long to be read, or a key of another type.
  void note_missing_tools(const connection& one) {
    if (one.tools) return;
    for (const auto& problem : one.problems) {
      if (problem.starts_with("tools are over") || problem.starts_with("tools is "))
        state_.faults.add(one.owner.text() + " " + one.server, "without its tools: " + problem);
    }
  }

  void finish_body() {
    if (body_.empty()) return;
    waiting_.push_back(std::exchange(body_, std::string()));
    body_left_.notify();
  }

  asio::awaitable<void> write_sections() {
    co_await asio::this_coro::throw_if_cancelled(false);
    for (;;) {
      while (waiting_.empty() && readers_ > 0) {
        const bool woken = co_await body_left_.wait();
        if (!woken) co_return;
      }
      if (waiting_.empty()) break;
      std::string body = std::move(waiting_.front());
      waiting_.pop_front();
      work_left_.notify();
      auto done = co_await write_section(std::string(archive::records_section), std::move(body));
      if (!done) {
        fail(done.error());
        co_return;
      }
    }
    written_ = true;
    ended_.notify();
  }

  store& from_;
  byte_sink& to_;
  backup_request request_;
  backup_state state_;
  std::deque<owner> queue_;
  bool found_all_ = false, written_ = false;
  unsigned readers_ = 0;
  std::size_t recent_bytes_ = 0;      // of the larger ones of the last owners
  std::string body_;                  // of the section that is being filled
  std::deque<std::string> waiting_;   // bodies to write
  archive::section_writer sections_;  // used on the other thread
  std::optional<error> failure_;
  aio::event work_left_;      // readers wait for it: for an owner, for room
  aio::event queue_shorter_;  // for whoever finds owners
  aio::event body_left_;      // for the writer
  aio::event ended_;
  asio::thread_pool pool_{1};
  aio::task_group work_;
};

}  // namespace

task<backup_state> write_backup(store& from, byte_sink& to, backup_request request) {
  backup_job job(from, to, std::move(request));
  auto running = aio::keep_settings(job.run());
  co_return co_await std::move(running);
}

}  // namespace mcpstate::transfer
