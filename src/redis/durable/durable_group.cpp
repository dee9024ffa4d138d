// SPDX-License-Identifier: MIT
#include "redis/durable/durable_group.hh"

#include "redis/topology/verdict.hh"

namespace mcpstate::redis {
namespace {

constexpr std::chrono::milliseconds margin{100};  // between the end of a WAIT and that of the first caller's patience

std::size_t count_of(const reply& answer) noexcept {
  return answer.kind == reply::type::integer && answer.integer > 0 ? static_cast<std::size_t>(answer.integer) : 0;
}

}  // namespace

void durable_group::add(request& whole, const request& one) const {
  for (const std::string_view each : split_commands(one.bytes())) whole.add_encoded(each);
}

void durable_group::close(request& whole, std::chrono::milliseconds left) const {
  const auto longest = std::max(std::min(rules_.wait, left - margin), std::chrono::milliseconds(1));  // 0 waits for ever
  if (append_only_) whole.command(4).arg("WAITAOF").arg(std::int64_t{1}).arg(std::int64_t{0}).arg(longest.count());
  whole.command(3).arg("WAIT").arg(static_cast<std::int64_t>(wanted_)).arg(longest.count());
  whole.add("ROLE");
}

confirmation durable_group::read(std::span<const reply> closing) const {
  confirmation out;
  const reply &wait = closing[closing.size() - 2], &role = closing.back();
  out.replicas = count_of(wait);
  // One that has come meanwhile counts.
  out.wanted = rules_.replicas != 0 ? rules_.replicas : std::max(replicas_in(role).value_or(wanted_), wanted_);
  if (wait.is_error()) out.refused = wait.text;
  if (!append_only_) return out;
  const reply& local = closing.front();
  out.flushed = local.kind == reply::type::array && !local.items.empty() && count_of(local.items.front()) >= 1;
  if (local.is_error()) out.refused = local.text;
  return out;
}

std::optional<std::size_t> durable_group::replicas_in(const reply& role) {
  if (role.kind != reply::type::array || role.items.size() < 3 || role.items.front().text != "master") return std::nullopt;
  return role.items[2].items.size();
}

}  // namespace mcpstate::redis
