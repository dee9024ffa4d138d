// SPDX-License-Identifier: MIT
#pragma once
#include <optional>

#include <mcpstate/aio/task.hpp>
#include <mcpstate/core/connection.hpp>

namespace mcpstate {

// A change as a watcher sees it.
struct event {
  event() {}
  enum class kind {
    present,  // a record as it is: of the first snapshot, or new or changed since
    removed,  // the record was cleared, claimed or has expired; only its owner and server are set
    ready,    // the snapshot is complete
    resync,   // the link to the store was lost; the events that follow bring the difference, with changes merged
  } what = kind::present;
  std::optional<connection> record;  // without tools
};

// A running watch. All members on the store's executor; the store outlives it. Changes that follow each other faster than
// they are read may be merged into their latest state; none is lost.
class watcher {
 public:
  virtual ~watcher() = default;
  // The next event; waits for it. cancelled after the store was closed or on cancellation; unavailable while the store
  // cannot be reached (the watch goes on: call again). Destroying the watcher ends one that waits, with cancelled.
  virtual task<event> next() = 0;
};

}  // namespace mcpstate
