// SPDX-License-Identifier: MIT
// What is different where the server belongs to a cluster: which servers there are, and where the indexes lie.
#include <algorithm>
#include <set>
#include <utility>

#include "core/text/number.hh"
#include "redis/topology/slot.hh"
#include "store/redis/lease_value.hh"
#include "store/redis/store.hh"
#include "store/rows/managed_text.hh"

namespace mcpstate {
namespace {

constexpr unsigned counted_at_once = 2048;                                   // parts of an index
constexpr unsigned counted_portion = 512;                                    // of them, in each beat
constexpr std::chrono::milliseconds noted_margin = std::chrono::minutes(1);  // clocks of processes differ
constexpr std::chrono::milliseconds longest_hint{1000};

error unread_parts(std::vector<unsigned> parts) {
  std::sort(parts.begin(), parts.end());
  const auto last = std::unique(parts.begin(), parts.end());
  const auto number = static_cast<std::size_t>(last - parts.begin());
  return error(errc::connection_lost, "beat: " + std::to_string(number) + " of " + std::to_string(redis::slot_count) +
                                          " slots of the cluster, among them " + std::to_string(parts.front()) +
                                          ", cannot be read: their managed connections are not seen");
}

}  // namespace

void redis_store::listen_to_servers() {
  redis_->on_state([this](const redis::node&, bool ready) {
    if (!ready) return;
    sort_refused_ = false;  // it may be another server, which can do it
    measure_soon();
  });
  redis_->start();
  if (durable_) durable_->start();
}

// A server of a URL that names one may still belong to a cluster: it is refused as a server of its own, and asked for the others.
task<redis::server_hello> redis_store::connect(aio::deadline limit) {
  if (url_.servers == store_url::topology::cluster) co_return co_await connect_to_cluster(limit);
  listen_to_servers();
  auto hello = co_await redis_->ready(limit);
  if (hello || hello.error().code() != errc::unsupported || !url_.path.empty()) co_return hello;
  if (url_.servers == store_url::topology::sentinel) co_return hello;
  co_await redis_->close();
  auto found = co_await connect_to_cluster(limit);
  if (!found && found.error().code() == errc::unsupported) co_return hello.error();
  co_return found;
}

task<redis::server_hello> redis_store::connect_to_cluster(aio::deadline limit) {
  MCPSTATE_CO_TRY(tagged, key_space::make(keys_.prefix(), key_layout::tagged));
  keys_ = std::move(tagged);
  on_cluster_ = true;
  servers_.use_cluster();
  redis_ = servers_.open(link_config_of(url_, options()));
  listen_to_servers();
  MCPSTATE_CO_TRY(hello, co_await redis_->ready(limit));
  if (options().durable) {
    co_return error(errc::bad_argument,
                    "open " + description() +
                        ": changes that replicas confirm (durable) are not supported on a cluster by this version");
  }
  co_return hello;
}

redis_store::batch redis_store::to_each_server(const redis::request& commands) const {
  batch out;
  for (const redis::primary& each : redis_->primaries())
    out.emplace_back(redis::route::to_slot(each.slots.front().first), commands);
  if (out.empty()) out.emplace_back(redis::route::to_any(), commands);
  return out;
}

unsigned redis_store::index_parts() const noexcept { return on_cluster_ ? redis::slot_count : key_space::index_shards; }

unsigned redis_store::redis_part(const owner& account) const { return redis::slot_of(keys_.servers(account)); }

unsigned redis_store::part_of(const managed_name& name) const {
  return on_cluster_ ? redis_part(name.owner) : shard_of(to_text(name));
}

std::vector<unsigned> redis_store::parts_to_search() const {
  std::vector<unsigned> out;
  if (!on_cluster_) {
    for (unsigned part = 0; part < key_space::index_shards; ++part) out.push_back(part);
    return out;
  }
  const auto first = managed_counts_.lower_bound(search_from_);
  for (auto each = first; each != managed_counts_.end(); ++each) out.push_back(each->first);
  for (auto each = managed_counts_.begin(); each != first; ++each) out.push_back(each->first);
  return out;
}

aio::deadline redis_store::hint_limit() const {
  return on_cluster_ ? aio::after(std::min<std::chrono::milliseconds>(options().timeout, longest_hint)) : until();
}

std::vector<unsigned> redis_store::parts_to_count() {
  std::set<unsigned> out;
  const unsigned wanted = counted_all_ ? counted_portion : counted_at_once;
  const unsigned last = std::min<unsigned>(redis::slot_count, count_from_ + wanted);
  for (; count_from_ < last; ++count_from_) out.insert(count_from_);
  if (count_from_ == redis::slot_count) {
    count_from_ = 0;
    counted_all_ = true;
  }
  auto known = managed_counts_.lower_bound(search_from_);
  for (std::size_t i = std::min<std::size_t>(managed_counts_.size(), counted_at_once); i > 0; --i, ++known) {
    if (known == managed_counts_.end()) known = managed_counts_.begin();
    out.insert(known->first);
  }
  return std::vector<unsigned>(out.begin(), out.end());
}

// A hint: what nobody has told is found by counting.
asio::awaitable<void> redis_store::note_part(unsigned part) {
  if (!managed_counts_.try_emplace(part).second) co_return;
  const auto noted_at = std::chrono::floor<std::chrono::milliseconds>(now()).time_since_epoch();
  const std::string key = keys_.managed(0);
  redis::request note;
  note.add("ZADD", key, static_cast<std::int64_t>(noted_at.count()), std::int64_t{part});
  note.add("PEXPIRE", key, static_cast<std::int64_t>(options().ttl.count()));
  auto noted = co_await redis_->exec(redis::route::to_key(key), std::move(note), hint_limit(), redis::effect::write);
  static_cast<void>(noted);
}

asio::awaitable<void> redis_store::read_noted_parts() {
  const auto read_at = std::chrono::floor<std::chrono::milliseconds>(now()).time_since_epoch() - noted_margin;
  const std::string key = keys_.managed(0);
  redis::request noted;
  noted.add("ZRANGE", key, noted_since_.count(), "+inf", "BYSCORE");
  auto got = co_await redis_->exec(redis::route::to_key(key), std::move(noted), hint_limit(), redis::effect::read);
  if (!got || got->front().is_error()) co_return;
  noted_since_ = read_at;
  for (const redis::reply& item : got->front().items) {
    const auto part = parse_number<unsigned>(item.text);
    if (part && *part < redis::slot_count) managed_counts_.try_emplace(*part);
  }
}

task<void> redis_store::count_managed(fleet* out) {
  co_await read_noted_parts();
  std::vector<unsigned> unread;
  std::optional<error> failed;
  std::size_t asked = 0;
  do {
    const std::vector<unsigned> parts = parts_to_count();
    batch requests;
    for (const unsigned part : parts) {
      redis::request one;
      one.add("ZCARD", managed_key(part));
      requests.emplace_back(redis::route::to_slot(static_cast<std::uint16_t>(part)), std::move(one));
    }
    auto got = co_await read_each(std::move(requests), "beat", hint_limit());
    asked += parts.size();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (!got[i]) {
        failed = got[i].error();
        unread.push_back(parts[i]);
      } else if (got[i]->front().is_error() || got[i]->front().integer > 0) {
        managed_counts_[parts[i]] = static_cast<std::uint64_t>(got[i]->front().integer);
      } else {
        managed_counts_.erase(parts[i]);
      }
    }
  } while (!counted_all_);
  if (unread.size() == asked) co_return std::move(*failed);
  for (const auto& [part, count] : managed_counts_) out->managed += count;
  if (!unread.empty()) out->faults.push_back(unread_parts(std::move(unread)));
  co_return result<void>();
}

std::string redis_store::managed_key(unsigned part) const {
  if (!on_cluster_) return keys_.managed(part);
  return keys_.slot_managed(redis::tag_of_slot(static_cast<std::uint16_t>(part)));
}

std::string redis_store::owners_key(const server_name& registered, unsigned part) const {
  if (!on_cluster_) return keys_.server_owners(registered, part);
  return keys_.slot_server_owners(redis::tag_of_slot(static_cast<std::uint16_t>(part)), registered);
}

}  // namespace mcpstate
