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

// The events of one owner as encoded frames, and the places of those who read them. Pure.
namespace mcpstate::service {

using frame = std::shared_ptr<const std::string>;

// A reader's place. A new one is at the beginning: it gets a snapshot.
struct feed_reader {
  std::uint64_t seen = 0;      // the last event that it got
  std::uint64_t snapshot = 0;  // the number of the load whose snapshot it got; 0: none
  std::uint64_t outage = 0;    // the last outage that it was told of
  bool catching_up = false;    // it had to begin anew, and has not read everything since
  bool dropped = false;        // it had to again: it gets nothing more
};

// The log holds the latest frame of each record, in the order of the events, and the last removals. Whoever missed a removal
// that it has forgotten begins anew.
class feed_log {
 public:
  feed_log(owner who, std::size_t removals_kept) : who_(std::move(who)), removals_kept_(removals_kept) {}

  // The store is read (again): nothing is handed out until loaded(). Records that were not put since are then removed.
  void load();
  void loaded();
  [[nodiscard]] bool loading() const noexcept { return loading_; }
  void put(const connection& record);
  void remove(const std::string& server);
  // The record as a listing shows it: when it expires is made known to those who begin from now on. That is no event; and
  // whatever else is different is left to put(), for the watch tells that in its order.
  void renew(const connection& record);
  // The store cannot be reached: told once to everybody, until loaded().
  void unavailable(const error& why);

  enum class news { none, resynced, dropped };
  struct taken {
    frame text = nullptr;  // null: nothing to read now
    news what = news::none;
  };
  // The next frame for this reader.
  [[nodiscard]] taken take(feed_reader& reader);

 private:
  struct entry {
    std::string server;
    frame text;
    bool removed = false;
    std::optional<timestamp> expires_at;
  };
  using entries = std::map<std::uint64_t, entry>;  // by event number
  void add(entry what, std::string_view event, std::string_view data);
  [[nodiscard]] taken begin(feed_reader& reader);
  [[nodiscard]] frame snapshot(bool anew);
  void forget_snapshots();

  owner who_;
  std::size_t removals_kept_;
  std::uint64_t last_ = 0;  // event
  std::uint64_t loads_ = 0, outages_ = 0;
  std::uint64_t forgotten_ = 0;  // the newest removal that the log does not hold any more
  bool loading_ = true;
  entries events_;
  std::map<std::string, std::uint64_t> latest_;  // of each server
  std::vector<std::uint64_t> removals_;          // oldest first; may hold some that were replaced since
  std::set<std::string> loaded_;                 // put since load()
  // Of what is in the log now, alone and after a resync; kept by those who are about to send it.
  std::weak_ptr<const std::string> snapshot_, resync_;
  frame outage_;  // null: there is none
};

}  // namespace mcpstate::service
