// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/aio/task_group.hpp>

#include "aio/event.hh"
#include "redis/durable/durable_group.hh"
#include "redis/executor.hh"

// Writes of which it is known how many replicas have them when they are answered.
//
//     redis::durable_writer durable(io.get_executor(), redis::make_executor(io.get_executor(), config), {});
//     durable.start();
//     auto got = co_await durable.exec(std::move(commands), until);
//     if (got && !got->copies.enough()) …   // written, and not confirmed
//
// It has an executor of its own: a WAIT holds up all that is behind it on its connection. Requests that come while a group is
// under way become the next group. What a WAIT proves: the replicas that it counts have all writes of the group in memory. It
// does not prove that one of them becomes the next primary (docs/reliability.md).
namespace mcpstate::redis {

struct durable_answer {
  durable_answer() {}
  std::vector<reply> replies;
  confirmation copies;
};

// Executor: every member on the given one. Lifetime: await close() before destroying it.
class durable_writer {
 public:
  // Takes the executor, which nobody else uses.
  durable_writer(asio::any_io_executor home, std::shared_ptr<executor> to, durable_rules rules);

  void start();
  // As executor::ready().
  task<server_hello> ready(aio::deadline until);
  // Failure and cancellation: as executor::exec() of a write. Limits for the lengths of replies do not count here.
  task<durable_answer> exec(request commands, aio::deadline until);
  // Ends what is under way. May be awaited again.
  asio::awaitable<void> close();

 private:
  // A request and its caller; lives in the caller's frame.
  struct call {
    call(request asked, aio::deadline when) : commands(std::move(asked)), until(when) {}
    request commands;
    aio::deadline until;
    std::optional<result<durable_answer>> answer;
    aio::event over;
  };

  asio::awaitable<void> send_groups();
  void take_group();
  task<std::vector<reply>> send(const durable_group& group, std::vector<std::size_t>& lengths);
  void answer_group(const durable_group& group, const std::vector<std::size_t>& lengths, std::vector<reply> got);
  void fail_group(const error& why);
  asio::awaitable<void> ask_server(aio::deadline until);
  [[nodiscard]] error ended(bool sent, bool cancelled) const;

  std::shared_ptr<executor> to_;
  durable_rules rules_;
  std::vector<call*> waiting_, group_;  // group_: under way; null where the caller has gone
  replica_count replicas_;
  std::string server_;  // its address
  bool append_only_ = false;
  bool asked_ = false;  // since the connection was made
  bool sending_ = false, stopping_ = false;
  aio::task_group work_;
};

}  // namespace mcpstate::redis
