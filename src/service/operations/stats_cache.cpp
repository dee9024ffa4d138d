// SPDX-License-Identifier: MIT
#include "service/operations/stats_cache.hh"

#include <utility>

#include "aio/executor_check.hh"
#include "aio/latch.hh"

namespace mcpstate::service {

struct stats_cache::reading {
  aio::latch done;
  result<snapshot> outcome = error(errc::stopped, "the counts could not be read");
};

stats_cache::stats_cache(store& counted_store, metrics& store_metrics) : store_(counted_store), metrics_(store_metrics) {}

task<stats_cache::snapshot> stats_cache::get(time_point now) {
  aio::assert_on_executor(store_.executor());
  if (last_ && now - last_->started_at < max_stats_age) co_return *last_;
  if (!reading_) co_return co_await read(now);
  const auto shared = reading_;
  co_await shared->done.wait();
  co_return shared->outcome;
}

task<stats_cache::snapshot> stats_cache::read(time_point now) {
  // Whatever ends this call, an exception included, the callers that wait for it continue.
  struct finish_guard {
    std::shared_ptr<reading>& current;
    ~finish_guard() { std::exchange(current, nullptr)->done.open(); }
  };
  reading_ = std::make_shared<reading>();
  const auto current = reading_;
  const finish_guard guard{reading_};
  const auto started = std::chrono::steady_clock::now();
  auto work = store_.stats(progress_handler());
  auto counted = co_await std::move(work);
  const auto duration = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started);
  metrics_.record_store_operation("stats", counted ? std::optional<cond>() : counted.error().condition(), duration);
  if (!counted) {
    current->outcome = counted.error();
  } else {
    last_.emplace();
    last_->stats = std::move(*counted);
    last_->started_at = now;
    current->outcome = *last_;
  }
  co_return current->outcome;
}

}  // namespace mcpstate::service
