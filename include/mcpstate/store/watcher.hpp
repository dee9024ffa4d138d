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
    removed,  // the record is gone: cleared, claimed or expired; only whose and server of record hold
    ready,    // the snapshot is complete
    resync,   // the link to the store was lost; what follows brings the difference; changes in between may have merged
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
