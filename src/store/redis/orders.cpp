// SPDX-License-Identifier: MIT
// Orders: a record, its lease and the index entries of the lease in one script.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "store/redis/lease_value.hh"
#include "store/redis/store.hh"
#include "store/redis/write_answer.hh"
#include "store/rows/managed_text.hh"

namespace mcpstate {

using redis_scripts::script_id;

task<order_result> redis_store::order(change update, connection after, lease_request wanted) {
  const std::string operation = "order " + update.owner().text() + " " + update.server();
  MCPSTATE_CO_TRY(server, server_name::parse(update.server()));
  const managed_name name(update.owner(), std::move(server));
  std::string staged;
  redis::request before = stage(update, &staged);
  script_call call = order_call(name, wanted);
  call.durable();
  add_owner(call, update.owner());
  add_change(call, update, after, *update.expected(), staged);
  const std::vector<std::string> first_keys(call.keys().begin(), call.keys().begin() + 3);
  auto answer = co_await run_for(update.owner(), std::move(call), declared_keys::record, std::move(before), operation);
  if (!answer) {
    co_await drop_staged(std::move(staged), answer.error());
    if (answer.error().code() != errc::wrong_type) co_return answer.error();
    co_return co_await explain_wrong_index(name, first_keys, operation);
  }
  if (auto refused = refusal(*answer, update, options().owner_bytes, operation)) co_return std::move(*refused);
  if (answer->items.size() != 5) co_return unexpected_answer(operation);
  if (on_cluster_) co_await note_part(part_of(name));
  set_written(after, *answer);
  lease running(name, answer->items[4].text, parse_number<std::uint64_t>(answer->items[3].text).value_or(0));
  if (running.holder == wanted.holder) last_lease_number_ = std::max(last_lease_number_, running.number);
  co_return order_result(std::move(after), std::move(running));
}

// What order.lua takes first: the lease, and where it is noted.
script_call redis_store::order_call(const managed_name& name, const lease_request& wanted) const {
  auto member = to_text(name);
  const unsigned part = part_of(name);
  const auto server = server_name::parse(wanted.registered);
  script_call call(script_id::order);
  call.key(lease_key(name)).key(managed_key(part));
  call.key(server ? owners_key(*server, part) : managed_key(part));
  call.argument(wanted.holder).argument(wanted.registered).argument(wanted.time).argument(last_lease_number_);
  call.argument(std::move(member));
  return call;
}

// keys: the lease, and the two indexes.
asio::awaitable<error> redis_store::explain_wrong_index(managed_name name, std::vector<std::string> keys,
                                                        std::string operation) {
  redis::request commands;
  commands.add("TYPE", keys[1]).add("TYPE", keys[2]);
  MCPSTATE_CO_TRY(got, co_await read(route_of(name.owner), std::move(commands), operation));
  const bool is_fine = got[0].text == "none" || got[0].text == "zset";
  const bool other_is_fine = keys[1] == keys[2] || got[1].text == "none" || got[1].text == "set";
  if (is_fine && other_is_fine)
    co_return co_await explain_wrong_type(name.owner, encode_name(name.server.text()), std::move(operation));
  co_return error(errc::wrong_type, operation + ": the Redis key " + (is_fine ? keys[2] : keys[1]) +
                                        " holds another type than it must; nothing was written. Delete or rename it");
}

}  // namespace mcpstate
