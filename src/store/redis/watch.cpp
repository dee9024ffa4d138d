// SPDX-License-Identifier: MIT
// Watches: Redis reports every key under the prefix that any program changes, or that expires, to a second link (CLIENT
// TRACKING in broadcast mode). The hub then reads the owner again and finds the difference.
#include <algorithm>

#include "store/redis/store.hh"

namespace mcpstate {

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
    tracking_ = redis::make_executor(executor(), std::move(config));
    tracking_->on_push([this](const redis::node&, const redis::reply& push) { invalidated(push); });
    tracking_->on_state([this](const redis::node&, bool ready) {
      if (ready) hub_->restored();
      if (!ready) hub_->lost(error(errc::connection_lost, "watch " + description() + ": the connection to Redis was lost"));
    });
    tracking_->start();
  }
  auto ready = co_await tracking_->ready(until());
  if (!ready) co_return error(ready.error().code(), "watch: " + ready.error().detail(), ready.error().peer_text());
  co_return result<void>();
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
