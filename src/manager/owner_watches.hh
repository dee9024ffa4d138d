// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <map>
#include <memory>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/store.hpp>

// One watch per owner, for as long as somebody here keeps a connection of his.
//
// Executor: the store's. Lifetime: await stop() before destroying; the store outlives it.
namespace mcpstate {

class owner_watches {
 public:
  // What changed; server is empty when anything of that owner may have.
  using listener = std::function<void(const owner& whose, const std::string& server, const event* what)>;
  owner_watches(store& from, listener tell);

  void add(const owner& who);
  void remove(const owner& who);
  asio::awaitable<void> stop();

 private:
  struct entry {
    std::size_t users = 0;
    std::unique_ptr<aio::task_group> watching;
  };
  asio::awaitable<void> follow(owner who);
  asio::awaitable<bool> read(watcher& from, owner who);
  static asio::awaitable<void> end(std::unique_ptr<aio::task_group> what);

  store& from_;
  listener tell_;
  std::map<owner, entry> owners_;
  aio::task_group ending_;
};

}  // namespace mcpstate
