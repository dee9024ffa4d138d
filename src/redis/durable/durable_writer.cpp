// SPDX-License-Identifier: MIT
#include "redis/durable/durable_writer.hh"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

#include "aio/scope_guard.hh"

namespace mcpstate::redis {
namespace {

constexpr std::chrono::milliseconds grace{100};       // for the executor to say whether a group was sent
constexpr std::size_t most_bytes = 4u * 1024 * 1024;  // of a group, beyond its first request

// It has run nothing: the executor looks for the primary.
bool refuses_as_replica(const reply& answer) { return answer.is_error() && answer.text.starts_with("READONLY"); }

bool appends_to_file(const reply& info) { return info.text.find("aof_enabled:1") != std::string::npos; }

// WAITAOF: Redis since 7.2, all of Valkey.
bool knows_waitaof(const server_hello& hello) {
  return hello.server == "valkey" ||
         (hello.version.compare(0, 2, "7.") == 0 ? hello.version.compare(0, 4, "7.2.") >= 0 : true);
}

}  // namespace

durable_writer::durable_writer(asio::any_io_executor home, std::shared_ptr<executor> to, durable_rules rules)
    : to_(std::move(to)), rules_(rules), replicas_(rules.remember), work_(std::move(home), aio::end_process) {}

void durable_writer::start() {
  to_->on_state([this](const node& server, bool ready) {
    if (!ready) {
      asked_ = false;
    } else if (std::exchange(server_, server.address) != server.address) {
      replicas_.forget();
    }
  });
  to_->start();
}

task<server_hello> durable_writer::ready(aio::deadline until) { return to_->ready(until); }

task<durable_answer> durable_writer::exec(request commands, aio::deadline until) {
  if (commands.commands() == 0) co_return durable_answer();
  call own(std::move(commands), until);
  if (stopping_) co_return ended(false, true);
  waiting_.push_back(&own);
  if (!std::exchange(sending_, true)) work_.spawn("durable writes", send_groups());
  aio::deadline patience = until;
  while (!own.answer) {
    const bool woken = co_await own.over.wait(patience);
    if (woken || own.answer) continue;
    const bool cancelled = co_await aio::is_cancelled();
    const bool sent = std::find(waiting_.begin(), waiting_.end(), &own) == waiting_.end();
    if (sent && !cancelled && patience == until) {
      patience = until + grace;
      continue;
    }
    std::erase(waiting_, &own);
    std::replace(group_.begin(), group_.end(), &own, static_cast<call*>(nullptr));
    co_return ended(sent, cancelled);
  }
  co_return std::move(*own.answer);
}

error durable_writer::ended(bool sent, bool cancelled) const {
  const std::string where = to_->address();
  if (sent) {
    return error(errc::outcome_unknown,
                 "sent to " + where + ", but the answer did not come: it may or may not have been done");
  }
  if (cancelled) return error(errc::stopped, "the request to " + where + " was stopped");
  return error(errc::deadline, "no answer in time from " + where);
}

asio::awaitable<void> durable_writer::send_groups() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const aio::scope_guard done([this] { sending_ = false; });
  while (!waiting_.empty()) {
    if (!asked_) co_await ask_server(waiting_.front()->until);
    take_group();
    if (group_.empty()) continue;
    const durable_group group(rules_, replicas_.seen(), append_only_);
    std::vector<std::size_t> lengths;
    auto got = co_await send(group, lengths);
    if (got) {
      answer_group(group, lengths, std::move(*got));
    } else {
      fail_group(got.error());
    }
    group_.clear();
  }
}

void durable_writer::take_group() {
  std::size_t bytes = 0;
  auto end = waiting_.begin();
  for (; end != waiting_.end(); ++end) {
    bytes += (*end)->commands.bytes().size();
    if (end != waiting_.begin() && bytes > most_bytes) break;
  }
  group_.assign(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
}

task<std::vector<reply>> durable_writer::send(const durable_group& group, std::vector<std::size_t>& lengths) {
  request whole;
  aio::deadline first = aio::deadline::max();
  for (const call* each : group_) {
    group.add(whole, each->commands);
    lengths.push_back(each->commands.commands());
    first = std::min(first, each->until);
  }
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(first - aio::deadline::clock::now());
  group.close(whole, left);
  return to_->exec(route::to_any(), std::move(whole), first, effect::write);
}

void durable_writer::answer_group(const durable_group& group, const std::vector<std::size_t>& lengths,
                                  std::vector<reply> got) {
  const std::span<const reply> closing = std::span(got).last(group.closing_replies());
  const confirmation copies = group.read(closing);
  if (const auto connected = durable_group::replicas_in(closing.back())) {
    replicas_.heard(*connected, aio::deadline::clock::now());
  }
  if (!copies.refused.empty()) asked_ = false;
  std::vector<call*> again;
  auto next = got.begin();
  for (std::size_t i = 0; i < group_.size(); ++i) {
    const auto begin = next;
    next += static_cast<std::ptrdiff_t>(lengths[i]);
    if (group_[i] == nullptr) continue;
    if (std::all_of(begin, next, refuses_as_replica)) {
      again.push_back(group_[i]);
      continue;
    }
    durable_answer answer;
    answer.replies.assign(std::make_move_iterator(begin), std::make_move_iterator(next));
    answer.copies = copies;
    group_[i]->answer = std::move(answer);
    group_[i]->over.notify();
  }
  waiting_.insert(waiting_.begin(), again.begin(), again.end());
}

// The first deadline ends a group. What was not sent then is sent again for those who have time left.
void durable_writer::fail_group(const error& why) {
  const auto now = aio::deadline::clock::now();
  const bool unsent = why.code() != errc::outcome_unknown && !why.is(cond::cancelled);
  const bool late =
      std::any_of(group_.begin(), group_.end(), [&](const call* each) { return each != nullptr && each->until <= now; });
  std::vector<call*> again;
  for (call* each : group_) {
    if (each == nullptr) continue;
    if (unsent && late && each->until > now) {
      again.push_back(each);
      continue;
    }
    each->answer = why;
    each->over.notify();
  }
  waiting_.insert(waiting_.begin(), again.begin(), again.end());
}

// What the server can confirm. Where it may not be asked, WAIT alone confirms.
asio::awaitable<void> durable_writer::ask_server(aio::deadline until) {
  asked_ = true;
  request what;
  what.add("ROLE").add("INFO", "persistence");
  auto got = co_await to_->exec(route::to_any(), std::move(what), until, effect::read);
  if (!got) {
    asked_ = false;
    co_return;
  }
  if (const auto connected = durable_group::replicas_in(got->front())) {
    replicas_.heard(*connected, aio::deadline::clock::now());
  }
  append_only_ = knows_waitaof(to_->hello()) && appends_to_file(got->back());
}

asio::awaitable<void> durable_writer::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  stopping_ = true;
  co_await to_->close();
  co_await work_.stop();
  for (call* each : std::exchange(waiting_, {})) {
    each->answer = ended(false, true);
    each->over.notify();
  }
}

}  // namespace mcpstate::redis
