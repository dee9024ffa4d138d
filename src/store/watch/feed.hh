// SPDX-License-Identifier: MIT
#pragma once
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <mcpstate/store.hpp>

// What one watcher of all owners has not read yet. Pure.
//
// An unread event of a record is replaced by a newer one of the same record, in its place; so a slow reader costs at most
// one event per record, and still ends with the latest state of each. A failure is told once per outage, after what was
// already there to be read.
namespace mcpstate {

class watch_feed {
 public:
  void add(event e);              // present or removed
  void mark(event::kind what);    // ready or resync; one that is still unread is not repeated
  void failed(const error& why);  // the store cannot be reached
  void recovered();               // it can again: the next failure is a new outage

  // The next thing to tell; absent: wait.
  [[nodiscard]] std::optional<result<event>> take();
  [[nodiscard]] std::size_t unread() const noexcept { return queue_.size(); }

 private:
  using record_id = std::pair<owner, std::string>;
  std::list<event> queue_;
  std::map<record_id, std::list<event>::iterator> unread_;
  std::optional<error> failure_;
  bool outage_ = false;
};

}  // namespace mcpstate
