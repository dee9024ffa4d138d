// SPDX-License-Identifier: MIT
#include "service/operations/stats_reading.hh"

#include <utility>

namespace mcpstate::service {

struct stats_reading::turn {
  explicit turn(const asio::any_io_executor& executor) : over(executor) {
    over.expires_at(asio::steady_timer::time_point::max());
  }
  asio::steady_timer over;  // all who wait; cancelled at the end
  result<taken> outcome = error(errc::stopped, "the counts could not be read");
};

stats_reading::stats_reading(store& records, metrics& figures) : store_(records), metrics_(figures) {}

task<stats_reading::taken> stats_reading::get(time_point now) {
  if (last_ && now - last_->at < stats_kept) co_return *last_;
  if (!reading_) co_return co_await read(now);
  const auto shared = reading_;
  auto [ec] = co_await shared->over.async_wait(aio::use_ec);
  static_cast<void>(ec);
  co_return shared->outcome;
}

task<stats_reading::taken> stats_reading::read(time_point now) {
  // Whatever happens to this call, those who wait for it go on.
  struct ending {
    std::shared_ptr<turn>& reading;
    ~ending() { std::exchange(reading, nullptr)->over.cancel(); }
  };
  reading_ = std::make_shared<turn>(store_.executor());
  const auto mine = reading_;
  const ending at_the_end{reading_};
  const auto from = std::chrono::steady_clock::now();
  auto work = store_.stats(progress_handler());
  auto got = co_await std::move(work);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - from);
  metrics_.store_done("stats", got ? std::optional<cond>() : got.error().condition(), took);
  if (!got) {
    mine->outcome = got.error();
  } else {
    last_.emplace();
    last_->counts = std::move(*got);
    last_->at = now;
    mine->outcome = *last_;
  }
  co_return mine->outcome;
}

}  // namespace mcpstate::service
