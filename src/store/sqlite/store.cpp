// SPDX-License-Identifier: MIT
#include "store/sqlite/store.hh"

#include <utility>

#include <mcpstate/open_store.hpp>

#include "aio/caller_settings.hh"

namespace mcpstate {

namespace {

constexpr std::chrono::milliseconds poll_every{20};

}  // namespace

sqlite_store::sqlite_store(asio::any_io_executor executor, store_options options, std::shared_ptr<sqlite_threads> threads)
    : store_backend(executor, std::move(options)),
      threads_(std::move(threads)),
      hub_(executor, hub_source()),
      work_(executor, aio::end_process) {}

watch_hub::source sqlite_store::hub_source() {
  watch_hub::source source;
  source.list = [this](owner account) { return read_records(std::move(account), tools_wanted::no); };
  source.scan = [this](std::string cursor) { return scan(std::move(cursor)); };
  source.now = [this] { return now(); };
  return source;
}

std::string sqlite_store::description() const { return "sqlite " + threads_->path(); }

asio::awaitable<void> sqlite_store::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  closed_ = true;
  co_await hub_.close();
  co_await work_.stop();
  co_await threads_->close();
}

task<connection> sqlite_store::put(change update, connection after) {
  if (closed_) co_return closed();
  auto account = update.owner();
  auto job = [update = std::move(update), after = std::move(after)](sqlite_engine& e) { return e.put(update, after); };
  MCPSTATE_CO_TRY(done, co_await write(std::move(job)));
  for (const auto number : done.notices) changed(account, number);
  co_return std::move(done.value);
}

task<order_result> sqlite_store::order(change update, connection after, lease_request wanted) {
  if (closed_) co_return closed();
  auto account = update.owner();
  auto job = [update = std::move(update), after = std::move(after), wanted = std::move(wanted)](sqlite_engine& e) {
    return e.order(update, after, wanted);
  };
  MCPSTATE_CO_TRY(done, co_await write(std::move(job)));
  for (const auto number : done.notices) changed(account, number);
  co_return std::move(done.value);
}

task<std::optional<connection>> sqlite_store::get(owner account, std::string member, tools_wanted want) {
  if (closed_) co_return closed();
  auto job = [account = std::move(account), member = std::move(member), want](sqlite_engine& e) {
    return e.get(account, member, want);
  };
  co_return co_await read(std::move(job));
}

task<owner_snapshot_ptr> sqlite_store::list(owner account, tools_wanted want) {
  MCPSTATE_CO_TRY(records, co_await read_records(account, want));
  co_return std::make_shared<const owner_snapshot>(std::move(account), std::move(records), want);
}

task<std::vector<connection>> sqlite_store::read_records(owner account, tools_wanted want) {
  if (closed_) co_return closed();
  auto job = [account = std::move(account), want](sqlite_engine& e) { return e.list(account, want); };
  co_return co_await read(std::move(job));
}

// Leaves no notice: a later expiry is no change for watchers. The hub reads the record again when it would have expired.
task<std::uint64_t> sqlite_store::touch(owner account, std::optional<std::string> member) {
  if (closed_) co_return closed();
  auto job = [account = std::move(account), member = std::move(member)](sqlite_engine& e) {
    return e.touch(account, member);
  };
  co_return co_await write(std::move(job));
}

task<std::uint64_t> sqlite_store::disconnect_all(owner account) {
  if (closed_) co_return closed();
  auto job = [account](sqlite_engine& e) { return e.disconnect_all(account); };
  MCPSTATE_CO_TRY(done, co_await write(std::move(job)));
  for (const auto number : done.notices) changed(account, number);
  co_return std::move(done.value);
}

task<std::uint64_t> sqlite_store::erase(owner account) {
  if (closed_) co_return closed();
  auto job = [account](sqlite_engine& e) { return e.erase(account); };
  MCPSTATE_CO_TRY(done, co_await write(std::move(job)));
  for (const auto number : done.notices) changed(account, number);
  co_return std::move(done.value);
}

task<claim_result> sqlite_store::claim(owner session, owner user) {
  if (closed_) co_return closed();
  auto job = [session, user](sqlite_engine& e) { return e.claim(session, user); };
  MCPSTATE_CO_TRY(done, co_await write(std::move(job)));
  if (done.notices.size() == 2) {
    changed(session, done.notices[0]);
    changed(user, done.notices[1]);
  }
  co_return std::move(done.value);
}

task<std::vector<restore_outcome>> sqlite_store::restore(owner account, std::vector<connection> records, restore_rule rule) {
  if (closed_) co_return closed();
  auto job = [account, records = std::move(records), rule](sqlite_engine& e) { return e.restore(account, records, rule); };
  MCPSTATE_CO_TRY(done, co_await write(std::move(job)));
  for (const auto number : done.notices) changed(account, number);
  co_return std::move(done.value);
}

task<std::unique_ptr<watcher>> sqlite_store::watch(std::optional<owner> account, watch_options options) {
  if (closed_) co_return closed();
  auto opened = hub_.open(std::move(account), options);
  if (!polling_) {
    polling_ = true;
    work_.spawn("look for writes of other processes", poll());
  }
  co_return opened;
}

task<owner_page> sqlite_store::scan(std::string cursor) {
  if (closed_) co_return closed();
  auto job = [cursor = std::move(cursor)](sqlite_engine& e) { return e.scan(cursor); };
  co_return co_await read(std::move(job));
}

task<store_stats> sqlite_store::stats(progress_handler) {
  if (closed_) co_return closed();
  auto job = [](sqlite_engine& e) { return e.stats(); };
  co_return co_await threads_->surveyor.run(std::move(job), sqlite_effect::survey);
}

// Reports a write of this handle to the hub at once. poll() will read its notice, too.
void sqlite_store::changed(const owner& account, std::int64_t notice) {
  if (polling_) own_notices_.insert(notice);
  hub_.changed(account);
}

// Reads the notices while there are watchers. What was written without watchers is in the first listing of the next watch.
// Its notices are read again then, which does no harm.
asio::awaitable<void> sqlite_store::poll() {
  co_await asio::this_coro::throw_if_cancelled(false);
  bool lost = false;
  while (!closed_ && hub_.watched()) {
    auto job = [](sqlite_engine& e) { return e.poll(); };
    auto since = co_await read(std::move(job));
    if (since) {
      if (std::exchange(lost, false)) hub_.restored();
      apply(*since);
    } else if (!std::exchange(lost, true)) {
      hub_.lost(since.error());
    }
    if (!co_await aio::wait_until(aio::after(poll_every))) break;
  }
  own_notices_.clear();
  polling_ = false;
}

void sqlite_store::apply(const sqlite_table::notices& since) {
  for (const auto& [number, account] : since.changes) {
    if (own_notices_.erase(number) == 0) hub_.changed(account);
  }
  // Numbers only grow: an older notice of this handle was removed before it was read.
  own_notices_.erase(own_notices_.begin(), own_notices_.upper_bound(since.last));
  if (since.missed) hub_.changed_all();  // or the file is another one
}

task<std::unique_ptr<store_backend>> open_sqlite_backend(asio::any_io_executor executor, std::string path,
                                                         store_options options) {
  MCPSTATE_CO_CHECK(check_options(options));
  if (path.empty()) path = default_sqlite_path();
  auto threads = std::make_shared<sqlite_threads>(path, options);
  auto opened = co_await threads->open();
  if (!opened) {
    auto closing = threads->close();
    co_await aio::shield(executor, std::move(closing));
    co_return opened.error();
  }
  co_return std::make_unique<sqlite_store>(std::move(executor), std::move(options), std::move(threads));
}

}  // namespace mcpstate
