// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <utility>

#include "manager/server_link.hh"

// What a session has reported and its supervisor has not looked at yet: one flag or one value of each kind, however much the
// server says meanwhile. A supervisor that waits for a slow store does not pay for a server that never stops talking.
namespace mcpstate {

class link_inbox {
 public:
  void put(link_event event) {
    switch (event.type) {
      case link_event::kind::opened:
      case link_event::kind::open_failed:
        opening_ = std::move(event);
        return;
      case link_event::kind::listed:
      case link_event::kind::list_failed:
        listing_ = std::move(event);
        return;
      case link_event::kind::checked:
      case link_event::kind::check_failed:
        check_ = std::move(event);
        return;
      case link_event::kind::list_changed:
        list_changed_ = true;
        return;
      case link_event::kind::stream_ended:
        stream_ended_ = true;
        return;
      case link_event::kind::lost:
        lost_ = std::move(event);
        return;
    }
  }

  // The next one, in the order in which a session can report them: it is opened first, and lost last. An announcement comes
  // behind the answer to what was asked before it, or it would be taken for answered.
  [[nodiscard]] std::optional<link_event> take() {
    for (std::optional<link_event>* const each : {&opening_, &listing_, &check_}) {
      if (*each) return std::exchange(*each, std::nullopt);
    }
    if (std::exchange(list_changed_, false)) return link_event(link_event::kind::list_changed);
    if (std::exchange(stream_ended_, false)) return link_event(link_event::kind::stream_ended);
    return std::exchange(lost_, std::nullopt);
  }

  void clear() { *this = link_inbox(); }

 private:
  std::optional<link_event> opening_, listing_, check_, lost_;
  bool list_changed_ = false, stream_ended_ = false;
};

}  // namespace mcpstate
