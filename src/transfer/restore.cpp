// SPDX-License-Identifier: MIT
#include "transfer/restore.hh"

#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <utility>

#include <mcpstate/aio/offload.hpp>
#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/core/tools.hpp>

#include "aio/caller_settings.hh"
#include "aio/event.hh"
#include "transfer/backup_input.hh"
#include "transfer/patience.hh"

namespace mcpstate::transfer {

namespace {

constexpr std::size_t batch_records = 256;
constexpr std::size_t batch_bytes = std::size_t{2} * 1024 * 1024;
constexpr std::size_t waiting_bytes = std::size_t{4} * 1024 * 1024;  // of batches that nobody writes yet
constexpr unsigned most_writes = 48;                                 // at a time

struct section_read {
  result<std::optional<archive::archived_records>> records;
  std::uint64_t position;
};

// The next section, read on a thread of its own.
asio::awaitable<section_read> read_section(asio::thread_pool& pool, backup_input& input) {
  auto job = [&input] {
    auto records = input.next();
    return section_read{std::move(records), input.reader().position()};
  };
  co_return co_await aio::offload(pool, std::move(job));
}

// What the input knows, once no thread uses it.
void take_summary(const backup_input& input, restore_state& out) {
  const auto& reader = input.reader();
  if (reader.first()) out.first = *reader.first();
  if (reader.last()) out.counts = *reader.last();
  out.unknown = reader.unknown();
  out.position = reader.position();
}

// Records of one owner, in one step.
struct batch {
  batch() {}
  std::vector<connection> records;
  std::size_t bytes = 0;
};

std::size_t size_of(const connection& one) { return 1024 + (one.tools ? one.tools->size() : 0); }

// Whether :info describes these very tools, as far as their length shows; then they were checked when they were stored.
bool vouched(const connection& one) {
  return one.info.tool_count && !one.info.tools_hash.empty() && one.info.tools_bytes == one.tools->size();
}

class restore_job {
 public:
  restore_job(byte_source& from, store& to, restore_request request)
      : from_(from),
        input_(from),
        to_(to),
        request_(std::move(request)),
        wanted_(request_.owners.begin(), request_.owners.end()),
        work_(to.executor(),
              [this](const std::string&, const std::string& cause) { fail(error(errc::bug, "internal error: " + cause)); }) {
  }

  task<restore_state> run() {
    work_.spawn("read sections", read_sections());
    for (unsigned i = 0; i < most_writes; ++i) {
      ++writers_;
      work_.spawn("write records", write_batches());
    }
    bool cancelled = false;
    while (!failure_ && writers_ > 0 && !cancelled) cancelled = !co_await ended_.wait();
    if (writers_ > 0) from_.stop();
    co_await work_.stop();
    if (!failure_ && writers_ > 0) failure_ = error(errc::stopped, "the restore was not finished");
    if (failure_) co_return with_count(*failure_);
    take_summary(input_, state_);
    co_return std::move(state_);
  }

 private:
  [[nodiscard]] error with_count(const error& why) const {
    if (request_.dry_run) return why;
    return error(why.code(), why.detail() + " (after " + std::to_string(state_.written) + " records were written)",
                 why.peer_text());
  }

  void fail(error why) {
    if (!failure_) failure_ = std::move(why);
    ended_.notify();
  }

  asio::awaitable<void> read_sections() {
    co_await asio::this_coro::throw_if_cancelled(false);
    for (;;) {
      while (waiting_bytes_ > waiting_bytes) {
        const bool woken = co_await room_.wait();
        if (!woken) co_return;
      }
      auto some = co_await read_section(pool_, input_);
      const bool cancelled = co_await aio::is_cancelled();
      if (cancelled) co_return;
      if (!some.records) {
        fail(some.records.error());
        co_return;
      }
      state_.position = some.position;
      if (!*some.records) break;
      take(**some.records);
    }
    read_all_ = true;
    batch_left_.notify();
  }

  void take(archive::archived_records& some) {
    state_.counts.records += some.records.size() + some.unusable.size();
    for (const auto& one : some.unusable) state_.faults.add(one.name, one.why);
    batch next;
    for (auto& one : some.records) {
      if (!wanted_.empty() && !wanted_.contains(one.record.owner)) {
        ++state_.unwanted;
        continue;
      }
      const bool fits = next.records.empty() || (next.records.back().owner == one.record.owner &&
                                                 next.records.size() < batch_records && next.bytes < batch_bytes);
      if (!fits) add(std::exchange(next, batch()));
      next.bytes += size_of(one.record);
      next.records.push_back(prepared(std::move(one)));
    }
    if (!next.records.empty()) add(std::move(next));
    batch_left_.notify();
  }

  void add(batch one) {
    waiting_bytes_ += one.bytes;
    waiting_.push_back(std::move(one));
  }

  connection prepared(archive::archived_record one) {
    connection& record = one.record;
    if (request_.expiry == restored_expiry::remaining) {
      record.expires_at.reset();
      if (one.remaining) record.expires_at = to_.now() + *one.remaining;
    }
    if (record.tools && !vouched(record)) {
      const auto checked = tools_list::parse(*record.tools);
      if (!checked) {
        state_.faults.add(record.owner.text() + " " + record.server,
                          "restored without its tools: " + checked.error().detail());
        record.tools = nullptr;
      }
    }
    return std::move(record);
  }

  asio::awaitable<void> write_batches() {
    co_await asio::this_coro::throw_if_cancelled(false);
    for (;;) {
      while (waiting_.empty() && !read_all_) {
        const bool woken = co_await batch_left_.wait();
        if (!woken) co_return;
      }
      if (waiting_.empty()) break;
      batch next = std::move(waiting_.front());
      waiting_.pop_front();
      waiting_bytes_ -= next.bytes;
      room_.notify();
      const bool done = co_await write_batch(std::move(next.records));
      if (!done) co_return;
      if (request_.progress) request_.progress(state_);
    }
    --writers_;
    if (writers_ == 0) ended_.notify();
  }

  // False: the restore has failed.
  asio::awaitable<bool> write_batch(std::vector<connection> records) {
    if (request_.dry_run || request_.look_first) {
      auto looked = co_await look(std::move(records));
      if (!looked) {
        fail(looked.error());
        co_return false;
      }
      records = std::move(*looked);
    }
    if (records.empty() || request_.dry_run) co_return true;
    patience again;
    for (;;) {
      auto copy = records;
      auto outcomes = co_await to_.restore(std::move(copy), request_.rule);
      if (outcomes) {
        for (const auto outcome : *outcomes) count(outcome);
        co_return true;
      }
      const error why = outcomes.error();
      const bool once_more = co_await again.wait_after(why);
      if (once_more) continue;
      const bool goes_on = co_await fail_alone(std::move(records), why);
      co_return goes_on;
    }
  }

  // What is wrong with one record costs no other: each is written alone.
  asio::awaitable<bool> fail_alone(std::vector<connection> records, error why) {
    const bool of_a_record = why.is(cond::corrupt) || why.is(cond::invalid) || why.is(cond::conflict);
    if (!of_a_record) {
      fail(std::move(why));
      co_return false;
    }
    if (records.size() == 1) {
      state_.faults.add(records.front().owner.text() + " " + records.front().server, why.detail());
      co_return true;
    }
    for (auto& one : records) {
      std::vector<connection> alone;
      alone.push_back(std::move(one));
      const bool goes_on = co_await write_batch(std::move(alone));
      if (!goes_on) co_return false;
    }
    co_return true;
  }

  // Counts the records that are there or over, and answers the others. In a dry run all are counted.
  task<std::vector<connection>> look(std::vector<connection> records) {
    const owner account = records.front().owner;
    MCPSTATE_CO_TRY(there, co_await to_.list(account, tools_wanted::no));
    std::map<std::string_view, std::uint64_t> revisions;
    for (const auto& one : *there) revisions.emplace(one.member, one.revision);
    std::vector<connection> out;
    for (auto& one : records) {
      const auto found = revisions.find(one.member);
      const bool stays = request_.rule == restore_rule::newer && found != revisions.end() &&
                         (found->second == 0 || found->second >= one.revision);
      const bool over =
          (one.expires_at && *one.expires_at <= to_.now()) || (one.expires_latest && *one.expires_latest <= to_.now());
      if (stays || (over && request_.dry_run) || request_.dry_run)
        count(stays ? restore_outcome::present : over ? restore_outcome::expired : restore_outcome::written);
      else
        out.push_back(std::move(one));
    }
    co_return out;
  }

  void count(restore_outcome outcome) {
    ++(outcome == restore_outcome::written   ? state_.written
       : outcome == restore_outcome::present ? state_.present
                                             : state_.expired);
  }

  byte_source& from_;
  backup_input input_;  // used on the other thread
  store& to_;
  restore_request request_;
  std::set<owner> wanted_;  // empty: all
  restore_state state_;
  std::deque<batch> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool read_all_ = false;
  unsigned writers_ = 0;
  std::optional<error> failure_;
  aio::event room_, batch_left_, ended_;
  asio::thread_pool pool_{1};
  aio::task_group work_;
};

task<restore_state> check_all(byte_source& from, std::function<void(const restore_state&)> progress) {
  asio::thread_pool pool(1);
  backup_input input(from);
  restore_state out;
  for (;;) {
    auto some = co_await read_section(pool, input);
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled) co_return error(errc::stopped, "the backup was not checked to its end");
    if (!some.records) co_return some.records.error();
    if (!*some.records) break;
    out.counts.records += (*some.records)->records.size() + (*some.records)->unusable.size();
    out.position = some.position;
    if (progress) progress(out);
  }
  take_summary(input, out);
  co_return out;
}

}  // namespace

task<restore_state> check_backup(byte_source& from, std::function<void(const restore_state&)> progress) {
  auto running = aio::keep_settings(check_all(from, std::move(progress)));
  co_return co_await std::move(running);
}

task<restore_state> restore_backup(byte_source& from, store& to, restore_request request) {
  restore_job job(from, to, std::move(request));
  auto running = aio::keep_settings(job.run());
  co_return co_await std::move(running);
}

}  // namespace mcpstate::transfer
