// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/store.hpp>

// One watch of the store for each owner of whom this process manages a connection. It reads the same log of changes as the
// event streams of that owner do.
//
// Executor: the store's. Lifetime: await stop() before destroying; the store outlives it.
namespace mcpstate {

class owner_watches {
 public:
  // Called with each event that has a record.
  using listener = std::function<void(const event& change)>;
  // Called with an owner whose records have to be read again: revisions known from before may mean nothing any more.
  using resync_listener = std::function<void(const owner& who)>;
  // Called when an exception has ended a watch, with what it says; the watch is opened again.
  using bug_listener = std::function<void(const std::string& what)>;
  owner_watches(store& records, listener on_event, resync_listener on_resync, bug_listener on_bug);

  // Counted: an owner is watched until remove() was called as often as add().
  void add(const owner& who);
  void remove(const owner& who);
  asio::awaitable<void> stop();

 private:
  struct entry {
    std::size_t count = 0;  // 0: removed
    std::unique_ptr<watcher> source;
  };
  using entry_ptr = std::shared_ptr<entry>;
  asio::awaitable<void> follow(owner who, entry_ptr watched);
  asio::awaitable<bool> open_and_read(owner who, entry_ptr watched);
  asio::awaitable<bool> read(owner who, entry_ptr watched);

  store& records_;
  listener on_event_;
  resync_listener on_resync_;
  bug_listener on_bug_;
  std::map<owner, entry_ptr> owners_;
  aio::task_group following_;
};

}  // namespace mcpstate
