// SPDX-License-Identifier: MIT
#include "redis/sentinel/sentinel_codec.hh"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/text/number.hh"

namespace mcpstate::redis {
namespace {

// The value of a member of a map, or of a list of names and values; null when it has none.
const reply* member_of(const reply& all, std::string_view name) noexcept {
  if (all.kind != reply::type::map && all.kind != reply::type::array) return nullptr;
  for (std::size_t i = 0; i + 1 < all.items.size(); i += 2) {
    if (all.items[i].text == name) return &all.items[i + 1];
  }
  return nullptr;
}

std::string_view text_of(const reply& all, std::string_view name) noexcept {
  const reply* const found = member_of(all, name);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

std::optional<std::uint64_t> number_of(const reply& all, std::string_view name) noexcept {
  return parse_number<std::uint64_t>(text_of(all, name));
}

bool has_flag(std::string_view flags, std::string_view wanted) noexcept {
  while (!flags.empty()) {
    const std::size_t comma = flags.find(',');
    if (flags.substr(0, comma) == wanted) return true;
    flags.remove_prefix(comma == std::string_view::npos ? flags.size() : comma + 1);
  }
  return false;
}

std::optional<endpoint> place_of(std::string_view host, std::string_view port, const sentinel_reading& how) {
  const auto number = parse_number<std::uint16_t>(port);
  if (!number || host.empty()) return std::nullopt;  // a Sentinel always names a host
  return resolve(announce(host, *number), how.asked, how.nat);
}

error unknown_name(const sentinel_reading& how) {
  return error(errc::unsupported, "the Sentinel " + shown(how.asked) + " knows no primary named " + how.name +
                                      ": write the name that SENTINEL MASTERS shows there behind the # of the URL");
}

error refused(const reply& answer, const sentinel_reading& how) {
  const std::string doing = "ask the Sentinel " + shown(how.asked);
  if (answer.text.starts_with("IDONTKNOW")) return error(errc::loading, doing + ": it has not found out yet", answer.text);
  if (answer.text.find("No such master") != std::string::npos) return unknown_name(how);
  if (answer.text.find("unknown command") != std::string::npos) {
    return error(errc::unsupported, "what answers on " + shown(how.asked) + " is no Sentinel", answer.text);
  }
  error out = to_error(answer, doing);
  return out;
}

error senseless(const sentinel_reading& how) {
  return error(errc::protocol, "the answer of the Sentinel " + shown(how.asked) + " cannot be understood");
}

void read_peers(const reply& list, const sentinel_reading& how, sentinel_view& out) {
  if (list.kind != reply::type::array) return;
  for (const reply& each : list.items) {
    if (out.peers.size() == how.max_peers) break;
    if (auto at = place_of(text_of(each, "ip"), text_of(each, "port"), how)) {
      out.peers.emplace_back(std::move(*at), std::string(text_of(each, "runid")));
    }
  }
}

}  // namespace

// The address is asked for by itself: in the last part of a failover the Sentinel that leads it names the new primary only there.
request ask_sentinel(const std::string& name) {
  request out;
  out.add("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name).add("SENTINEL", "MASTER", name);
  out.add("SENTINEL", "SENTINELS", name).add("SENTINEL", "MYID");
  return out;
}

result<sentinel_view> read_sentinel_view(const std::vector<reply>& answers, const sentinel_reading& how) {
  if (answers.size() != sentinel_replies) return senseless(how);
  const reply &address = answers[0], &primary = answers[1], &others = answers[2], &self = answers[3];
  if (address.is_error()) return refused(address, how);
  if (address.is_null()) return unknown_name(how);
  if (primary.is_error()) return refused(primary, how);
  if (address.items.size() != 2) return senseless(how);
  const auto place = place_of(address.items[0].text, address.items[1].text, how);
  const auto epoch = number_of(primary, "config-epoch");
  if (!place || !epoch) return senseless(how);
  sentinel_view out;
  out.primary = *place;
  out.epoch = *epoch;
  const std::string_view flags = text_of(primary, "flags");
  out.down = has_flag(flags, "o_down") || has_flag(flags, "s_down");
  out.failing_over = has_flag(flags, "failover_in_progress");
  out.sentinels =
      static_cast<std::size_t>(std::min<std::uint64_t>(number_of(primary, "num-other-sentinels").value_or(0), 999)) + 1;
  if (const auto after = number_of(primary, "down-after-milliseconds"); after && *after > 0 && *after < 86'400'000) {
    out.down_after = std::chrono::milliseconds(*after);
  }
  if (self.is_string()) out.id = self.text;
  read_peers(others, how, out);
  return out;
}

// >3 message +switch-master "mymaster 127.0.0.1 6379 127.0.0.1 6380"
std::optional<primary_switch> read_switch(const reply& push, const sentinel_reading& how) {
  if (push.items.size() != 3 || push.items[0].text != "message" || push.items[1].text != switch_channel) return std::nullopt;
  std::vector<std::string_view> words;
  std::string_view rest = push.items[2].text;
  while (!rest.empty() && words.size() < 6) {
    const std::size_t space = rest.find(' ');
    words.push_back(rest.substr(0, space));
    rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  }
  if (words.size() != 5 || words[0] != how.name) return std::nullopt;
  auto from = place_of(words[1], words[2], how);
  auto to = place_of(words[3], words[4], how);
  if (!from || !to) return std::nullopt;
  return primary_switch(std::move(*from), std::move(*to));
}

std::optional<bool> says_primary(const reply& role) noexcept {
  if (role.kind != reply::type::array || role.items.empty()) return std::nullopt;
  return role.items.front().text == "master";
}

}  // namespace mcpstate::redis
