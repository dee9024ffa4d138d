// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>

#include <mcpstate/aio/task.hpp>
#include <mcpstate/core/connection.hpp>

namespace mcpstate {

// A change as a watcher sees it. Cheap to copy: all watchers of an owner share the record.
struct event {
  event() {}
  enum class kind {
    present,  // a record as it is: of the snapshot, or new or changed since
    removed,  // the record was cleared, claimed or has expired; only its owner and server are set
    ready,    // the snapshot is complete
    // The link to the store was lost; the events that follow bring the difference, with changes merged. Or the revisions of a
    // record have begun anew, because what stood there was no revision: compare none with one from before.
    resync,
    overrun,  // this watcher was too slow (watch_options::max_removals); a snapshot follows
  } what = kind::present;
  std::shared_ptr<const connection> record;  // without tools; null unless present or removed
  // The number of the change, from 1; 0 unless present or removed. Numbers grow within a snapshot and from one change to the
  // next. Watches of one owner share them, and so do watches of all owners. They mean nothing to another process, nor after
  // the last of these watches has ended.
  std::uint64_t number = 0;
  // Of resync: what the store has lost, as the beginning of a sentence; a static text. Empty: nothing, as far as it can tell.
  std::string_view remark;
};

// How a watch treats a reader that was away.
struct watch_options {
  watch_options() {}
  // A reader that has more removals unread gets an overrun instead of them, and a snapshot. This bounds what a watch holds.
  std::size_t max_removals = std::numeric_limits<std::size_t>::max();
  // A snapshot follows resync, and not the difference; and a resync follows every outage of which next() told.
  bool snapshot_after_outage = false;
};

// A running watch: a snapshot (present …, ready), then every change, whoever made it. All members on the store's executor;
// the store outlives it. Changes that follow each other faster than they are read may be merged into their latest state;
// none is lost. A snapshot is in the order of the latest changes.
class watcher {
 public:
  virtual ~watcher() = default;
  // The next event; waits for it. cancelled after the store was closed or on cancellation; unavailable while the store
  // cannot be reached (the watch goes on: call again). Destroying the watcher ends one that waits, with cancelled. One call
  // at a time. A call that was cancelled has taken no event.
  virtual task<event> next() = 0;
  // What next() would answer without waiting; absent otherwise.
  [[nodiscard]] virtual std::optional<result<event>> try_next() = 0;
};

}  // namespace mcpstate
