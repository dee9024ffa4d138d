// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <mcpstate/core/byte_budget.hpp>
#include <mcpstate/store.hpp>

#include "service/http/problem.hh"
#include "service/routes/known_lists.hh"
#include "service/routes/process_services.hh"

// Reads records with their tools, which may be large. Whatever an owner's clients ask for, and however many of them, they make
// the process hold one list that is being read, and what process_services::answers allows.
//
// Of one owner one read is under way at a time. Readers that wait for the same records share the next read: it begins after all of
// them have asked, so none gets an older state than a read of its own would have had.
namespace mcpstate::service {

// What one read brought. Immutable, and shared by the answers that are made of it.
struct tools_view {
  tools_view() {}
  owner_snapshot_ptr records;
  std::vector<list_facts> lists;  // of the tools of each record, in the order of the records; junk where there are none
  byte_budget::reservation room;  // counts the tools once for all answers
};

struct tools_answer {
  tools_answer() {}
  explicit tools_answer(problem why) : refused(std::move(why)) {}
  std::shared_ptr<const tools_view> view;  // null: refused says why
  std::optional<problem> refused;
};

// Executor: that of the store. Lifetime: outlives its reads; the store and the process services
// outlive it.
class tools_reads {
 public:
  tools_reads(mcpstate::store& read_store, process_services& process);
  ~tools_reads();
  tools_reads(const tools_reads&) = delete;
  tools_reads& operator=(const tools_reads&) = delete;

  // server: that record alone; absent: all of the owner.
  asio::awaitable<tools_answer> read(owner account, std::optional<server_name> server);

 private:
  struct shared_read;
  struct owner_queue;
  struct queued_reader;
  asio::awaitable<tools_answer> read_now(owner account, std::optional<server_name> server);
  asio::awaitable<std::optional<problem>> read_all(owner account, std::shared_ptr<tools_view> view);
  asio::awaitable<std::optional<problem>> read_one(owner account, std::shared_ptr<tools_view> view, server_name server);
  task<std::size_t> expect_size(owner account);
  void remember_size(const owner& account, std::size_t bytes);

  mcpstate::store& store_;
  process_services& process_;
  std::map<owner, owner_queue> queues_;                 // of owners with a read under way
  std::unordered_map<std::string, std::size_t> sizes_;  // of the last lists of owners, in bytes
};

// The problem that there is no room for an answer of so many bytes, now or ever.
[[nodiscard]] problem no_room(const byte_budget& answers, std::size_t bytes);

}  // namespace mcpstate::service
