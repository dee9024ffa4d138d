// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

// Bytes that are held at the same time, for requests or for messages that arrive: a limit for all, and a share of it that one
// owner may take. Pure. Safe to use from any thread.
namespace mcpstate {

class byte_budget {
 public:
  // share: how much of the limit one owner may hold.
  byte_budget(std::size_t limit, std::size_t share) : limit_(limit), share_(share) {}
  byte_budget(const byte_budget&) = delete;
  byte_budget& operator=(const byte_budget&) = delete;

  // Bytes that one request or message holds. They are given back when it is destroyed. The budget outlives it.
  class reservation {
   public:
    reservation() {}  // holds nothing, and cannot
    reservation(reservation&& other) noexcept;
    reservation& operator=(reservation&& other) noexcept;
    ~reservation() { release(); }

    // Holds so many bytes from now on. False when there is no room for more; then nothing changes. Fewer always fit.
    [[nodiscard]] bool resize(std::size_t bytes);
    // The same, whether there is room or not: for what exists already and cannot be refused any more.
    void force(std::size_t bytes);
    void release() noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

   private:
    friend class byte_budget;
    reservation(byte_budget& budget, std::string owner) : budget_(&budget), owner_(std::move(owner)) {}
    byte_budget* budget_ = nullptr;
    std::string owner_;
    std::size_t bytes_ = 0;
  };
  // A reservation of no bytes yet. owner: whose they are; empty: nobody's, so that the limit alone applies.
  [[nodiscard]] reservation open(std::string owner) { return reservation(*this, std::move(owner)); }

  // Whether so many bytes can never be held, however little is held now.
  [[nodiscard]] bool exceeds_share(std::size_t bytes) const noexcept { return bytes > share_ || bytes > limit_; }
  // Whether the owner can hold anything more now.
  [[nodiscard]] bool has_room(const std::string& owner) const;
  [[nodiscard]] std::size_t share() const noexcept { return share_; }
  [[nodiscard]] std::size_t used() const;

 private:
  [[nodiscard]] bool change(const std::string& owner, std::size_t from, std::size_t to, bool forced);

  const std::size_t limit_, share_;
  mutable std::mutex mutex_;  // guards what follows
  std::size_t used_ = 0;
  std::unordered_map<std::string, std::size_t> by_owner_;  // of those who hold something
};

}  // namespace mcpstate
