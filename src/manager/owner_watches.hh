// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/store.hpp>

// One watch of the store for each owner of whom this process manages a connection.
//
// Executor: the store's. Lifetime: await stop() before destroying; the store outlives it.
namespace mcpstate {

class owner_watches {
 public:
  // Called on each event of a watch. server: empty for an event that is about no single record.
  using listener = std::function<void(const owner& who, const std::string& server, const event& change)>;
  owner_watches(store& records, listener on_event);

  // Counted: an owner is watched until remove() was called as often as add().
  void add(const owner& who);
  void remove(const owner& who);
  asio::awaitable<void> stop();

 private:
  struct entry {
    std::size_t count = 0;
    std::unique_ptr<aio::task_group> task;
  };
  asio::awaitable<void> follow(owner who);
  asio::awaitable<bool> read(watcher& source, owner who);
  static asio::awaitable<void> end(std::unique_ptr<aio::task_group> task);

  store& records_;
  listener on_event_;
  std::map<owner, entry> owners_;
  aio::task_group ending_;
};

}  // namespace mcpstate
