// SPDX-License-Identifier: MIT
#include "store/redis/write_answer.hh"

#include <chrono>

#include "core/text/number.hh"
#include "store/redis/script_call.hh"
#include "store/rows/owner_limits.hh"

namespace mcpstate {

std::int64_t number_in(const redis::reply& r) {
  return r.kind == redis::reply::type::integer ? r.integer : parse_number<std::int64_t>(r.text).value_or(0);
}

std::optional<error> refusal(const redis::reply& answer, const std::string& operation) {
  if (answer.kind != redis::reply::type::array || answer.items.empty()) return unexpected_answer(operation);
  const std::string& word = answer.items.front().text;
  if (word == "ok") return std::nullopt;
  if (word == "conflict")
    return error(errc::stale_basis, operation + ": the record has changed since it was read; nothing was written");
  if (word == "lease")
    return error(errc::lease_lost,
                 operation + ": this lease has run out, or another process manages the connection; nothing was written");
  if (word == "empty")
    return error(errc::empty_tools, operation + ": an empty tool list would replace a good one; nothing was written");
  return error(errc::connection_lost,
               operation + ": Redis lost the staged tools before they could be stored; nothing was written");
}

std::optional<error> refusal(const redis::reply& answer, const change& update, std::uint64_t most_bytes,
                             const std::string& operation) {
  const bool has_word = answer.kind == redis::reply::type::array && !answer.items.empty();
  const std::string word = has_word ? answer.items.front().text : std::string();
  if (word == "connections") return too_many_connections(update.owner(), update.most_connections());
  if (word == "bytes") return tools_too_large(update.owner(), most_bytes);
  return refusal(answer, operation);
}

std::optional<error> unconfirmed(const redis::reply& answer, const redis::confirmation& copies,
                                 const std::string& operation) {
  const bool wrote = answer.kind == redis::reply::type::array && !answer.items.empty() && answer.items.front().text == "ok";
  if (!wrote || copies.enough()) return std::nullopt;
  std::string text = operation + ": written";
  // Scripts that write one record answer its revision and when it expires.
  if (answer.items.size() >= 3) text += " as revision " + std::to_string(number_in(answer.items[1]));
  text += ", but ";
  if (!copies.flushed) text += "not on the primary's disk, and ";
  text += std::to_string(copies.replicas) + " of " + std::to_string(copies.wanted) + " replicas confirmed it in time";
  return error(errc::not_replicated, std::move(text), copies.refused);
}

void set_written(connection& after, const redis::reply& answer) {
  after.revision = static_cast<std::uint64_t>(number_in(answer.items.at(1)));
  after.expires_at = timestamp(std::chrono::milliseconds(number_in(answer.items.at(2))));
  after.seen.revision = after.revision;
  after.seen.status_bytes = std::string(to_key_text(*after.state));
  after.seen.connected_at_bytes.reset();
  if (after.connected_at) after.seen.connected_at_bytes = to_iso8601(*after.connected_at);
}

}  // namespace mcpstate
