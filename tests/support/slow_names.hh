// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "aio/name_lookup.hh"
#include "support/co_test.hh"

// A name server that stays silent until it is told to answer.
namespace mcpstate::test {

class slow_names {
 public:
  aio::blocking_lookup ask() {
    return [state = state_](const std::string& host) -> result<aio::host_addresses> {
      std::unique_lock lock(state->mutex);
      ++state->asked;
      state->most = std::max(state->most, ++state->inside);
      state->changed.wait(lock, [&] { return state->open; });
      --state->inside;
      ++state->answered;
      if (host == "none") return error(errc::resolve_failed, "no such name");
      return aio::host_addresses(1, asio::ip::make_address("192.0.2.1"));
    };
  }
  void open() {
    const std::lock_guard lock(state_->mutex);
    state_->open = true;
    state_->changed.notify_all();
  }
  int asked() { return read(&state::asked); }
  int answered() { return read(&state::answered); }
  int most() { return read(&state::most); }

 private:
  struct state {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
    int asked = 0, answered = 0, inside = 0, most = 0;
  };
  int read(int state::* which) {
    const std::lock_guard lock(state_->mutex);
    return (*state_).*which;
  }
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

// A test must not leave threads behind that count as busy for the next one.
inline asio::awaitable<void> all_answered(slow_names& names, int count) {
  EXPECT_TRUE(co_await eventually([&] { return names.answered() == count; }));
}

inline void drain(slow_names& names, int count) {
  names.open();
  run_co_test([&](asio::io_context&) { return all_answered(names, count); });
}

}  // namespace mcpstate::test
