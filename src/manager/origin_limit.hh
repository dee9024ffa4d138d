// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <list>
#include <map>
#include <string>

#include <mcpstate/aio/task.hpp>

#include "aio/latch.hh"

// At most so many at a time per origin: a server that has just been started again is not run over by everybody who wants to
// connect again. The next is whoever has fewest seats there, and of these who came first: nobody waits for all that one
// other wants.
//
// Executor: one thread at a time. Lifetime: outlives every seat and everybody who waits for one.
namespace mcpstate {

class origin_limit {
 public:
  explicit origin_limit(std::size_t most) : most_(most > 0 ? most : 1) {}
  origin_limit(const origin_limit&) = delete;
  origin_limit& operator=(const origin_limit&) = delete;

  // One of them, until it is destroyed; empty: there is none.
  class seat {
   public:
    seat() {}
    seat(origin_limit& from, std::string origin, std::string whose)
        : from_(&from), origin_(std::move(origin)), whose_(std::move(whose)) {}
    seat(seat&& other) noexcept
        : from_(std::exchange(other.from_, nullptr)), origin_(std::move(other.origin_)), whose_(std::move(other.whose_)) {}
    seat& operator=(seat&& other) noexcept;
    ~seat() { leave(); }
    explicit operator bool() const noexcept { return from_ != nullptr; }

   private:
    void leave();
    origin_limit* from_ = nullptr;
    std::string origin_, whose_;
  };

  // Waits for a seat; empty only when cancelled.
  asio::awaitable<seat> enter(std::string origin, std::string whose);
  [[nodiscard]] std::size_t inside(const std::string& origin) const;

 private:
  struct waiter {
    explicit waiter(std::string who) : whose(std::move(who)) {}
    std::string whose;
    aio::latch called;
  };
  struct entry {
    std::size_t inside = 0;
    std::map<std::string, std::size_t> seats;  // of these, by whom
    std::list<waiter> queue;
  };
  void leave(const std::string& origin, const std::string& whose);
  static waiter* next_of(entry& there);

  std::size_t most_;
  std::map<std::string, entry> origins_;
};

}  // namespace mcpstate
