// SPDX-License-Identifier: MIT
#include "redis/topology/map_codec.hh"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "core/text/number.hh"

namespace mcpstate::redis {
namespace {

// What one answer may make us do: a slot is claimed once, and a fragmented cluster names a node for each of its ranges.
constexpr std::size_t max_claims = 2 * std::size_t{slot_count}, max_mentions = 4 * std::size_t{slot_count};

error not_understood() { return error(errc::protocol, "the node's map of its cluster cannot be understood"); }
error too_many() { return error(errc::protocol, "the node's map of its cluster has too many nodes"); }

bool is_list(const reply& r) noexcept {
  return r.kind == reply::type::array || r.kind == reply::type::map || r.kind == reply::type::set;
}

std::optional<error> refused(const reply& answer) {
  if (!answer.is_error()) return std::nullopt;
  error meant = to_error(answer, "ask for the map of the cluster");
  const bool no_cluster = answer.text.find("cluster support disabled") != std::string::npos ||
                          answer.text.find("unknown command") != std::string::npos;
  if (no_cluster) return error(errc::unsupported, "this server is no node of a cluster", answer.text);
  return meant;
}

class budget {
 public:
  bool take(const slot_range& claimed, std::size_t mentioned) {
    claims_ += std::size_t{1} + claimed.last - claimed.first;
    mentions_ += mentioned;
    return claims_ <= max_claims && mentions_ <= max_mentions;
  }

 private:
  std::size_t claims_ = 0, mentions_ = 0;
};

// The value of a key in a map, or in an array of keys and values, as RESP2 has it.
const reply* member(const reply& list, std::string_view key) noexcept {
  for (std::size_t i = 0; i + 1 < list.items.size(); i += 2) {
    if (list.items[i].is_string() && list.items[i].text == key) return &list.items[i + 1];
  }
  return nullptr;
}

std::string_view text_member(const reply& list, std::string_view key) noexcept {
  const reply* const found = member(list, key);
  return found != nullptr && found->is_string() ? std::string_view(found->text) : std::string_view();
}

std::optional<slot_range> read_range(const reply& first, const reply& last) noexcept {
  if (first.kind != reply::type::integer || last.kind != reply::type::integer) return std::nullopt;
  if (first.integer < 0 || first.integer > last.integer || last.integer >= slot_count) return std::nullopt;
  return slot_range(static_cast<std::uint16_t>(first.integer), static_cast<std::uint16_t>(last.integer));
}

std::uint64_t port_of(const reply* port) noexcept {
  return port != nullptr && port->kind == reply::type::integer && port->integer > 0
             ? static_cast<std::uint64_t>(port->integer)
             : 0;
}

// A certificate names hosts: over TLS the name that a node announces is better than its address.
std::optional<endpoint> place(std::string_view host, std::string_view name, std::uint64_t port, const map_reading& how) {
  return resolve(announce(how.tls && !name.empty() ? name : host, port), how.asked, how.nat);
}

// [endpoint or null, port, id, [metadata]] of CLUSTER SLOTS; the last two came with later versions.
std::optional<cluster_node> read_slots_node(const reply& entry, const map_reading& how) {
  if (!is_list(entry) || entry.items.size() < 2) return std::nullopt;
  const reply& host = entry.items[0];
  if (!host.is_null() && !host.is_string()) return std::nullopt;
  cluster_node out;
  if (entry.items.size() > 2 && entry.items[2].is_string()) out.id = entry.items[2].text;
  const std::string_view name = entry.items.size() > 3 ? text_member(entry.items[3], "hostname") : std::string_view();
  out.at = place(host.text, name, port_of(&entry.items[1]), how);
  return out;
}

struct shard_node {
  cluster_node node;
  bool primary = false;
};

std::optional<shard_node> read_shard_node(const reply& entry, const map_reading& how) {
  if (!is_list(entry)) return std::nullopt;
  shard_node out;
  out.node.id = text_member(entry, "id");
  const reply* const host = member(entry, "endpoint");
  const std::string_view name = text_member(entry, "hostname");
  const std::uint64_t port = port_of(member(entry, how.tls ? "tls-port" : "port"));
  out.node.at =
      place(host != nullptr && host->is_string() ? std::string_view(host->text) : std::string_view(), name, port, how);
  const std::string_view health = text_member(entry, "health"), role = text_member(entry, "role");
  out.node.healthy = health.empty() || health == "online";
  out.primary = role == "master" || role == "primary";
  return out;
}

// The primary of a shard. After a failover the one that failed can still be listed as a second.
std::optional<std::size_t> choose_primary(const std::vector<shard_node>& nodes) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].primary && (!found || (nodes[i].node.healthy && !nodes[*found].node.healthy))) found = i;
  }
  return found;
}

result<bool> read_shard(const reply& shard, const map_reading& how, budget& left, cluster_map& into) {
  const reply* const slots = is_list(shard) ? member(shard, "slots") : nullptr;
  const reply* const nodes = is_list(shard) ? member(shard, "nodes") : nullptr;
  if (slots == nullptr || nodes == nullptr || !is_list(*slots) || !is_list(*nodes) || slots->items.size() % 2 != 0) {
    return not_understood();
  }
  if (nodes->items.size() > how.max_nodes - std::min(into.nodes(), how.max_nodes)) return too_many();
  std::vector<shard_node> all;
  for (const reply& entry : nodes->items) {
    auto node = read_shard_node(entry, how);
    if (!node) return not_understood();
    all.push_back(std::move(*node));
  }
  const auto primary = choose_primary(all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i != primary) into.add_replica(std::move(all[i].node));
  }
  if (!primary) return true;  // nobody serves these slots now
  const cluster_map::index owner = into.add_primary(std::move(all[*primary].node));
  for (std::size_t i = 0; i < slots->items.size(); i += 2) {
    const auto range = read_range(slots->items[i], slots->items[i + 1]);
    if (!range || !left.take(*range, 0)) return not_understood();
    into.assign(*range, owner);
  }
  return true;
}

// A line "cluster_state:ok" of CLUSTER INFO.
std::string_view info_line(std::string_view text, std::string_view name) noexcept {
  while (!text.empty()) {
    const std::size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':') return line.substr(name.size() + 1);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 2);
  }
  return {};
}

}  // namespace

request ask_for_view() {
  request out;
  out.add("CLUSTER", "SLOTS").add("CLUSTER", "INFO");
  return out;
}

result<cluster_view> read_view(const std::vector<reply>& answers, const map_reading& how) {
  if (answers.size() != view_replies) return not_understood();
  cluster_view out;
  MCPSTATE_TRY(map, read_cluster_slots(answers[0], how));
  out.map = std::move(map);
  if (!answers[1].is_string()) return out;
  out.serving = info_line(answers[1].text, "cluster_state") != "fail";
  out.epoch = parse_number<std::uint64_t>(info_line(answers[1].text, "cluster_current_epoch")).value_or(0);
  return out;
}

result<cluster_map> read_cluster_slots(const reply& answer, const map_reading& how) {
  if (auto why = refused(answer)) return std::move(*why);
  if (!is_list(answer)) return not_understood();
  cluster_map out;
  budget left;
  for (const reply& item : answer.items) {
    if (!is_list(item) || item.items.size() < 3) return not_understood();
    const auto range = read_range(item.items[0], item.items[1]);
    auto primary = read_slots_node(item.items[2], how);
    if (!range || !primary || !left.take(*range, item.items.size())) return not_understood();
    out.assign(*range, out.add_primary(std::move(*primary)));
    for (std::size_t i = 3; i < item.items.size(); ++i) {
      auto replica = read_slots_node(item.items[i], how);
      if (!replica) return not_understood();
      out.add_replica(std::move(*replica));
    }
    if (out.nodes() > how.max_nodes) return too_many();
  }
  return out;
}

result<cluster_map> read_cluster_shards(const reply& answer, const map_reading& how) {
  if (auto why = refused(answer)) return std::move(*why);
  if (!is_list(answer)) return not_understood();
  cluster_map out;
  budget left;
  for (const reply& shard : answer.items) MCPSTATE_CHECK(read_shard(shard, how, left, out));
  return out;
}

}  // namespace mcpstate::redis
