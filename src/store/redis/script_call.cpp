// SPDX-License-Identifier: MIT
#include "store/redis/script_call.hh"

#include <utility>

namespace mcpstate {

script_call& script_call::key(std::string name) {
  keys_.push_back(std::move(name));
  return *this;
}

script_call& script_call::argument(std::string bytes) {
  arguments_.push_back(std::move(bytes));
  return *this;
}

script_call& script_call::expected(const std::optional<std::string>& bytes) { return argument(bytes ? "+" + *bytes : "-"); }

script_call& script_call::member(const key_space& keys, const owner& account, const std::string& name) {
  for (const auto field : {key_field::status, key_field::tools, key_field::connected_at, key_field::info})
    key(keys.server_key(account, name, field));
  return argument(name);
}

void script_call::append_to(redis::request& commands, form command) const {
  commands.command(3 + keys_.size() + arguments_.size());
  commands.arg(command == form::eval ? "EVAL" : "EVALSHA").arg(command == form::eval ? script_->text : script_->sha1);
  commands.arg(static_cast<std::int64_t>(keys_.size()));
  for (const auto& one : keys_) commands.arg(one);
  for (const auto& one : arguments_) commands.arg(one);
}

std::vector<std::string> undeclared_members(const redis::reply& answer) {
  std::vector<std::string> out;
  if (answer.items.empty() || answer.items.front().text != "members") return out;
  for (std::size_t i = 1; i < answer.items.size(); ++i) out.push_back(answer.items[i].text);
  return out;
}

error unexpected_answer(const std::string& operation) {
  return error(errc::protocol, operation + ": Redis answered the script with something unexpected");
}

}  // namespace mcpstate
