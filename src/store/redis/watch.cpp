// SPDX-License-Identifier: MIT
// Watches: Redis reports every key under the prefix that any program changes, or that expires, to a second link (CLIENT
// TRACKING in broadcast mode). The hub then reads the owner again and finds the difference.
#include <algorithm>
#include <utility>

#include "store/redis/store.hh"

namespace mcpstate {
namespace {

error watch_lost(const std::string& store) {
  return error(errc::connection_lost, "watch " + store + ": the connection to Redis was lost");
}

}  // namespace

namespace {

// A watcher hears within three seconds that the server does not answer.
constexpr std::chrono::milliseconds check_every{2000}, answer_within{750};
// Watchers wait for as long as the connection is away.
constexpr std::chrono::milliseconds longest_pause{250};

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
    tracking_ = on_cluster_ ? make_cluster(std::move(config)) : redis::make_executor(executor(), std::move(config));
    tracking_->on_push([this](const redis::node&, const redis::reply& push) { invalidated(push); });
    if (on_cluster_) {
      listen_to_primaries();
    } else {
      tracking_->on_state([this](const redis::node&, bool ready) {
        if (ready) hub_->restored();
        if (!ready) hub_->lost(watch_lost(description()));
      });
    }
    tracking_->start();
  }
  auto ready = co_await tracking_->ready(until());
  if (!ready) co_return error(ready.error().code(), "watch: " + ready.error().detail(), ready.error().peer_text());
  if (on_cluster_) co_await wait_for_primaries();
  co_return result<void>();
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
  tracking_complete_ = complete;
  tracking_changed_.notify();
  if (complete) return hub_->restored();
  hub_->lost(watch_lost(description()));
}

// >2 invalidate [key, …]; null instead of the keys after FLUSHALL or FLUSHDB.
void redis_store::invalidated(const redis::reply& push) {
  if (push.items.size() != 2 || push.items[0].text != "invalidate") return;
  if (push.items[1].is_null()) return hub_->changed_all();
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
