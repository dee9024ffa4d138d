// SPDX-License-Identifier: MIT
#include "contract/store_model.hh"

#include <algorithm>

namespace mcpstate::test {

namespace {

timestamp whole(timestamp t) { return std::chrono::floor<std::chrono::milliseconds>(t); }

bool shows_error(status s) { return s == status::connecting || s == status::failed || s == status::auth_required; }

}  // namespace

void store_model::renew(model_record& r) {
  if (!now) return;
  if (!r.latest && max_lifetime_) r.latest = whole(*now + *max_lifetime_);
  r.expires_at = whole(*now + ttl_);
  if (r.latest && *r.latest < *r.expires_at) r.expires_at = r.latest;
}

std::optional<errc> store_model::write(const model_write& w) {
  using kind = model_write::tools_kind;
  const bool brings = w.tools == kind::replace || w.tools == kind::empty || w.tools == kind::empty_allowed;
  if (w.to == status::disconnected && brings) return errc::bad_argument;
  const auto before = live(w.who, w.server);
  const auto there = before ? before->seen : basis();
  if (w.based_on && !(*w.based_on == there)) return errc::stale_basis;
  if (w.tools == kind::empty && before && before->tools && *before->tools != "[]") return errc::empty_tools;

  model_record r = before.value_or(model_record());
  if (r.connected_at) r.last_connected_at = r.connected_at;
  if (w.url) r.url = *w.url;
  if (w.url) r.error_code.clear();  // new details replace all of the old ones
  if (!shows_error(w.to)) r.error_code.clear();
  if (w.error_code && w.to != status::disconnected) r.error_code = *w.error_code;
  const bool keeps = w.keep_connected_at && before && before->state == status::connected;
  if (!keeps || w.to != status::connected) r.connected_at.reset();
  if (w.to == status::connected && !keeps) r.connected_at = now ? *now : timestamp{};
  if (r.connected_at) r.last_connected_at = r.connected_at;
  if (brings) r.tools = w.tools == kind::replace ? w.list : "[]";
  if (w.tools == kind::drop || w.to == status::disconnected) r.tools.reset();
  r.state = w.to;
  renew(r);
  const key at(w.who, w.server);
  records_[at] = r;
  written_[at] = true;
  return std::nullopt;
}

std::uint64_t store_model::touch(const owner& who, const std::optional<std::string>& server) {
  std::uint64_t count = 0;
  for (auto& [at, r] : records_) {
    if (at.first != who || (server && at.second != *server) || !is_live(r)) continue;
    const auto was = r.expires_at;
    renew(r);
    r.expires_at = std::max(r.expires_at, was);
    ++count;
  }
  return count;
}

void store_model::disconnect_one(const key& at) {
  model_write down{at.first, at.second, status::disconnected, {}, {}, {}, {}, {}, false};
  write(down);
}

std::uint64_t store_model::disconnect(const owner& who, const std::optional<std::string>& server) {
  std::uint64_t count = 0;
  for (const auto& [name, r] : live(who)) {
    if ((server && name != *server) || r.state == status::disconnected) continue;
    disconnect_one(key(who, name));
    ++count;
  }
  return count;
}

std::uint64_t store_model::erase(const owner& who) {
  const auto count = live(who).size();
  std::erase_if(records_, [&who](const auto& entry) { return entry.first.first == who; });
  return count;
}

std::pair<std::vector<std::string>, std::vector<std::string>> store_model::claim(const owner& session, const owner& user) {
  std::pair<std::vector<std::string>, std::vector<std::string>> out;
  for (auto& [name, r] : live(session)) {
    const key from(session, name), to(user, name);
    const auto users = live(user, name);
    if (users && users->state == status::connected) {
      out.second.push_back(name);
      continue;
    }
    out.first.push_back(name);
    renew(r);
    records_[to] = r;
    written_[to] = true;
    highest_[to] = std::max(highest_[to], highest_[from]);
  }
  erase(session);
  return out;
}

std::map<std::string, model_record> store_model::live(const owner& who) const {
  std::map<std::string, model_record> out;
  for (const auto& [at, r] : records_) {
    if (at.first == who && is_live(r)) out.emplace(at.second, r);
  }
  return out;
}

std::optional<model_record> store_model::live(const owner& who, const std::string& server) const {
  const auto found = records_.find(key(who, server));
  if (found == records_.end() || !is_live(found->second)) return std::nullopt;
  return found->second;
}

std::string store_model::adopt(const connection& c, bool with_tools) {
  const key at(c.owner, c.server);
  const auto name = c.owner.text() + " " + c.server + ": ";
  const auto found = records_.find(at);
  if (found == records_.end() || !is_live(found->second)) return name + "there should be nothing";
  auto& r = found->second;
  if (c.state != r.state) return name + std::string(to_text(c.state)) + " instead of " + std::string(to_text(r.state));
  if (!c.problems.empty()) return name + c.problems.front();
  if (c.connected_at.has_value() != r.connected_at.has_value()) return name + "connected_at";
  const bool was_written = std::exchange(written_[at], false);
  if (was_written ? c.revision <= highest_[at] : c.revision != highest_[at])
    return name + "revision " + std::to_string(c.revision) + " after " + std::to_string(highest_[at]);
  highest_[at] = c.revision;
  if (!now && was_written) {
    r.connected_at = c.connected_at;
    r.last_connected_at = c.info.last_connected_at;
  }
  if (!was_written && c.seen != r.seen) return name + "basis";
  r.seen = c.seen;
  if (c.connected_at != r.connected_at) return name + "connected_at is another";
  if (c.info.last_connected_at != r.last_connected_at) return name + "last_connected_at";
  if (now && c.expires_at != r.expires_at) return name + "expires_at";
  if (c.info.url != r.url) return name + "url " + c.info.url + " instead of " + r.url;
  if ((c.info.error ? c.info.error->code : "") != r.error_code) return name + "error";
  if (c.info.tools_hash != (r.tools ? sha256_tag(*r.tools) : "")) return name + "hash of tools";
  if (!with_tools) return "";
  if ((c.tools != nullptr) != r.tools.has_value()) return name + "tools there or not";
  if (c.tools && *c.tools != *r.tools) return name + "bytes of tools";
  return "";
}

}  // namespace mcpstate::test
