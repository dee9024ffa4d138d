// SPDX-License-Identifier: MIT
// Watches: Redis reports every key under the prefix that any program changes, or that expires, to a second link (CLIENT
// TRACKING in broadcast mode). The hub then reads the owner again and finds the difference.
#include <algorithm>
#include <iterator>
#include <utility>

#include "store/redis/store.hh"

namespace mcpstate {
namespace {

error watch_lost(const std::string& store) {
  return error(errc::connection_lost, "watch " + store + ": the connection to Redis was lost");
}

// A watcher hears within three seconds that the server does not answer.
constexpr std::chrono::milliseconds check_every{2000}, answer_within{750};
// Watchers wait for as long as the connection is away.
constexpr std::chrono::milliseconds longest_pause{250};
constexpr std::chrono::seconds eviction_pause{60};  // between two words about evictions

}  // namespace

task<std::unique_ptr<watcher>> redis_store::watch(std::optional<owner> account, watch_options options) {
  if (!hub_) {
    watch_hub::source source;
    source.list = [this](owner listed) { return read_records(std::move(listed), tools_wanted::no); };
    source.scan = [this](std::string cursor) { return scan(std::move(cursor)); };
    source.with_tools = [this](owner read, std::string member) {
      return get(std::move(read), std::move(member), tools_wanted::yes);
    };
    source.now = [this] { return now(); };
    source.overdue = [this] { measure_soon(); };
    hub_ = std::make_unique<watch_hub>(executor(), std::move(source));
  }
  MCPSTATE_CO_CHECK(co_await start_tracking());
  co_return hub_->open(std::move(account), options);
}

task<void> redis_store::start_tracking() {
  if (!tracking_) {
    auto config = link_config_of(url_, options());
    config.client_name = "mcpstate-watch";
    config.tracking_prefixes = {keys_.kind_prefix(owner_kind::user), keys_.kind_prefix(owner_kind::session)};
    config.ping_after = check_every;
    config.answer_within = std::min(answer_within, config.connect_timeout);
    config.backoff_max = longest_pause;
    tracking_ = servers_.open(std::move(config));
    tracking_->on_push([this](const redis::node&, const redis::reply& push) { invalidated(push); });
    if (on_cluster_) {
      listen_to_primaries();
    } else {
      tracking_->on_state([this](const redis::node&, bool ready) { on_tracking_state(ready); });
    }
    tracking_->start();
  }
  auto ready = co_await tracking_->ready(until());
  if (!ready) co_return error(ready.error().code(), "watch: " + ready.error().detail(), ready.error().peer_text());
  if (on_cluster_) co_await wait_for_primaries();
  co_return result<void>();
}

void redis_store::on_tracking_state(bool ready) {
  if (ready && !tracking_lost_) {
    watching_ = true;
    told_losses_ = losses_.found();
    return hub_->restored();
  }
  if (ready) {
    if (!std::exchange(ending_outage_, true)) work_.spawn("find out what Redis has lost", end_outage());
    return;
  }
  tracking_lost_ = true;
  watching_ = false;
  hub_->lost(watch_lost(description()));
}

// Whether something was lost is known before watchers see what is there. A server that does not say it, or is away again,
// has lost nothing that could be told.
asio::awaitable<void> redis_store::end_outage() {
  co_await asio::this_coro::throw_if_cancelled(false);
  redis::request ask;
  add_losses_question(ask);
  auto told = co_await tracking_->exec(redis::route::to_any(), std::move(ask), until(), redis::effect::read);
  ending_outage_ = false;
  if (!told) {
    // Lost meanwhile: the next connection comes here again. Only late: the watch goes on without.
    if (!told.error().is(cond::timeout)) co_return;
  } else {
    note_losses(told->front());
  }
  watching_ = true;
  const data_losses before = std::exchange(told_losses_, losses_.found());
  hub_->restored(loss_remark(before, told_losses_));
}

void redis_store::add_losses_question(redis::request& to) {
  to.command(1 + std::size(server_losses::sections)).arg("INFO");
  for (const std::string_view section : server_losses::sections) to.arg(section);
}

// The nodes of a cluster are several servers, each with a name of its own.
void redis_store::note_losses(const redis::reply& info) {
  may_ask_losses_ = !info.is_error();
  if (info.is_string() && redis_->hello().mode != "cluster") losses_.note_info(info.text);
}

task<data_losses> redis_store::losses() {
  if (!may_ask_losses_) co_return losses_.found();
  redis::request ask;
  add_losses_question(ask);
  std::string operation = "losses";
  MCPSTATE_CO_TRY(got, co_await read(std::move(ask), std::move(operation)));
  note_losses(got.front());
  tell_losses();
  co_return losses_.found();
}

// Keys may be evicted all the time, and the tracking link names each of ours: it is enough to hear of that now and then.
void redis_store::tell_losses() {
  if (!watching_) return;
  const data_losses& found = losses_.found();
  const bool evicted_only = found.replaced == told_losses_.replaced && found.flushed == told_losses_.flushed;
  const auto now = aio::deadline::clock::now();
  if (evicted_only && now < next_eviction_remark_) return;
  const data_losses before = std::exchange(told_losses_, found);
  const auto remark = loss_remark(before, told_losses_);
  if (remark.empty()) return;
  next_eviction_remark_ = now + eviction_pause;
  hub_->lost_data(remark);
}

// Only the first watch waits for all of them: later ones need not wait again for a server that is away.
asio::awaitable<void> redis_store::wait_for_primaries() {
  if (std::exchange(tracking_waited_, true)) co_return;
  const auto limit = until();
  while (!tracking_complete_) {
    const bool woken = co_await tracking_changed_.wait(limit);
    if (!woken) break;
  }
  if (!tracking_complete_) hub_->lost(watch_lost(description()));
}

// A slot pushes from the server that has it, so that all of them must be listened to. While one is away nobody knows what
// happens in its slots; when slots have another server, or the same one over another connection, their owners are read again.
void redis_store::listen_to_primaries() {
  tracking_->on_state([this](const redis::node& server, bool ready) {
    if (ready) {
      tracked_.insert(server.address);
    } else {
      tracked_.erase(server.address);
    }
    check_tracking();
  });
  tracking_->on_slots([this](const std::vector<redis::slot_span>&) {
    check_tracking();
    hub_->changed_all();
  });
}

void redis_store::check_tracking() {
  const std::vector<redis::primary> all = tracking_->primaries();
  if (all.empty()) return;  // the first attempt is under way
  const bool complete =
      std::all_of(all.begin(), all.end(), [this](const redis::primary& each) { return tracked_.contains(each.address); });
  if (complete == tracking_complete_) return;
  tracking_complete_ = watching_ = complete;
  tracking_changed_.notify();
  if (complete) return hub_->restored();
  hub_->lost(watch_lost(description()));
}

// >2 invalidate [key, …]; null instead of the keys after FLUSHALL or FLUSHDB.
void redis_store::invalidated(const redis::reply& push) {
  if (push.items.size() != 2 || push.items[0].text != "invalidate") return;
  if (push.items[1].is_null()) {
    losses_.note_flush();
    return tell_losses();
  }
  std::optional<owner> last;  // one change touches several keys of one owner
  std::string described;      // the member whose :info has changed; a push has the keys of a record in order
  for (const auto& key : push.items[1].items) {
    auto named = keys_.parse(key.text);
    if (!named || named->field == key_field::staging || named->field == key_field::lease) continue;
    const bool same_owner = last && *last == named->owner;
    if (!same_owner) described.clear();
    if (named->field == key_field::info) described = named->member;
    // Every write of mcpstate changes both keys in one step.
    if (named->field == key_field::tools && described != named->member) hub_->changed_tools(named->owner, named->member);
    if (same_owner) continue;
    hub_->changed(named->owner);
    last = std::move(named->owner);
  }
}

}  // namespace mcpstate
