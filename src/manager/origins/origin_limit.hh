// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <utility>

#include <mcpstate/aio/task.hpp>

#include "aio/latch.hh"

// Bounds the attempts to connect that are under way at a time to one origin, so that a server that has just started is not
// overrun. A free slot goes to the owner who has the fewest slots at that origin; among these, to the one who has waited
// longest. So nobody waits for all that one other owner wants.
//
// Executor: one thread at a time. Lifetime: outlives every slot and every waiter.
namespace mcpstate {

class origin_limit {
 public:
  explicit origin_limit(std::size_t limit) : limit_(limit > 0 ? limit : 1) {}
  origin_limit(const origin_limit&) = delete;
  origin_limit& operator=(const origin_limit&) = delete;

  // A slot, released by its destructor. May be empty.
  class slot {
   public:
    slot() {}
    slot(origin_limit& source, std::string origin, std::string owner)
        : source_(&source), origin_(std::move(origin)), owner_(std::move(owner)) {}
    slot(slot&& other) noexcept
        : source_(std::exchange(other.source_, nullptr)),
          origin_(std::move(other.origin_)),
          owner_(std::move(other.owner_)) {}
    slot& operator=(slot&& other) noexcept;
    ~slot() { release(); }
    explicit operator bool() const noexcept { return source_ != nullptr; }

   private:
    void release();
    origin_limit* source_ = nullptr;
    std::string origin_, owner_;
  };

  // Waits for a slot until then. The answer is empty when the time is over, or the caller was cancelled.
  asio::awaitable<slot> acquire(std::string origin, std::string owner, aio::deadline until = aio::deadline::max());
  [[nodiscard]] std::size_t in_use(const std::string& origin) const;

 private:
  struct waiter {
    explicit waiter(std::string name) : owner(std::move(name)) {}
    std::string owner;
    aio::latch granted;
  };
  struct entry {
    std::size_t in_use = 0;
    std::map<std::string, std::size_t> slots;  // of these, by owner
    std::list<waiter> queue;
  };
  void release(const std::string& origin, const std::string& owner);
  static waiter* next_waiter(entry& origin);

  std::size_t limit_;
  std::map<std::string, entry> origins_;
};

}  // namespace mcpstate
