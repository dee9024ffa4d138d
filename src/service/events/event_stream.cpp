// SPDX-License-Identifier: MIT
#include "service/events/event_stream.hh"

#include <utility>

namespace mcpstate::service {

event_stream::step event_stream::take(const result<event>& received, event_frames& frames) {
  ended_ = ended_ || (!received && !received.error().is(cond::unavailable));
  if (ended_) return {};
  if (!received) return take_outage(received.error(), frames);
  switch (received->what) {
    case event::kind::present:
    case event::kind::removed:
      return take_change(*received, frames);
    case event::kind::ready:
      outage_told_ = false;
      if (!snapshot_) return {};
      snapshot_->push_back(event_frames::ready());
      return {frames.join(std::move(*std::exchange(snapshot_, nullptr)))};
    case event::kind::resync:
      catching_up_ = false;  // an outage is not the subscriber's fault
      begin_snapshot(frames.resync(received->remark));
      return {};
    case event::kind::overrun:
      ended_ = std::exchange(catching_up_, true);
      begin_snapshot(event_frames::resync());
      return {nullptr, ended_ ? lag::dropped : lag::resynced};
  }
  return {};
}

event_stream::step event_stream::take_change(const event& change, event_frames& frames) {
  auto text = frames.encode(change);
  if (!snapshot_) return {std::move(text)};
  snapshot_->push_back(std::move(text));
  return {};
}

event_stream::step event_stream::take_outage(const error& why, event_frames& frames) {
  if (std::exchange(outage_told_, true)) return {};
  return {frames.unavailable(why)};
}

// The first event behind it is a resync.
void event_stream::begin_snapshot(frame resync) {
  snapshot_ = std::make_unique<parts>();
  snapshot_->push_back(std::move(resync));
}

}  // namespace mcpstate::service
