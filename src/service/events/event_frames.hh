// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/connection.hpp>

// The recent events of one owner as encoded frames, and the positions of its readers. Pure.
namespace mcpstate::service {

using frame = std::shared_ptr<const std::string>;

// The position of one reader. A new reader is at the beginning, so it gets a snapshot first.
struct reader_position {
  std::uint64_t event = 0;   // number of the last event that it got
  std::uint64_t load = 0;    // number of the load whose snapshot it got; 0: none
  std::uint64_t outage = 0;  // number of the last outage that it was told of
  bool catching_up = false;  // it fell behind, got a new snapshot, and has not read everything since
  bool dropped = false;      // it fell behind again while catching up: it gets nothing more
};

// Holds the latest frame of each record, in the order of the events, and the last removals. A reader that missed a removal
// which is forgotten by now gets a new snapshot.
class event_history {
 public:
  event_history(owner account, std::size_t max_removals) : owner_(std::move(account)), max_removals_(max_removals) {}

  // The store is about to be read, for the first time or again. Readers get nothing until finish_load(), which removes the
  // records that were not put since.
  void begin_load();
  void finish_load();
  [[nodiscard]] bool loading() const noexcept { return loading_; }
  void put(const connection& record);
  void remove(const std::string& server);
  // Takes over when a record expires, from a listing of the store, for later snapshots. This is no event. Any other
  // difference is left to put(), because the watch of the store tells it in its order.
  void update_expiry(const connection& record);
  // The store cannot be reached. Every reader is told once, until finish_load().
  void mark_unavailable(const error& why);

  enum class lag { none, resynced, dropped };
  struct read_result {
    frame text = nullptr;  // null: there is nothing to read now
    lag outcome = lag::none;
  };
  // The next frame for this reader.
  [[nodiscard]] read_result read(reader_position& position);

 private:
  struct entry {
    std::string server;
    frame text;
    bool removed = false;
    std::optional<timestamp> expires_at;
  };
  using entries = std::map<std::uint64_t, entry>;  // by event number
  void append(entry added, std::string_view event, std::string_view data);
  void forget_old_removals();
  [[nodiscard]] read_result restart(reader_position& position);
  [[nodiscard]] frame snapshot(bool with_resync);
  void forget_snapshots();

  owner owner_;
  std::size_t max_removals_;
  std::uint64_t last_event_ = 0;
  std::uint64_t loads_ = 0, outages_ = 0;
  std::uint64_t last_forgotten_ = 0;  // number of the newest removal that is not held any more
  bool loading_ = true;
  entries events_;
  std::map<std::string, std::uint64_t> latest_;  // server → number of its latest event
  std::vector<std::uint64_t> removals_;          // oldest first; some may have been replaced by a newer event
  std::set<std::string> loaded_;                 // servers that were put since begin_load()
  // Snapshots of the present records: without and with a resync in front. The readers that are about to send one own it.
  std::weak_ptr<const std::string> snapshot_, resync_;
  frame outage_;  // null: there is none
};

}  // namespace mcpstate::service
