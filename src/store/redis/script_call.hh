// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/core/keys.hpp>

#include "redis/reply.hh"
#include "store/redis/scripts.hh"

namespace mcpstate {

// One call of a script: its keys and arguments, appended in the order in which the script reads them. A value; not safe from
// several threads.
class script_call {
 public:
  explicit script_call(redis_scripts::script_id id) : script_(&redis_scripts::script_of(id)) {}

  script_call& key(std::string name);
  script_call& argument(std::string bytes);
  script_call& argument(std::chrono::milliseconds time) { return argument(time.count()); }
  template <std::integral N>
  script_call& argument(N number) {
    return argument(std::to_string(number));
  }
  // The value that the script requires of a key: its bytes, or absent.
  script_call& expected(const std::optional<std::string>& bytes);

  // Declares a member as scripts/parts/members.lua reads it: its status, tools, connected_at and info keys, and its name as
  // an argument.
  script_call& member(const key_space& keys, const owner& account, const std::string& name);

  // What it writes is answered when replicas have it, where the store is asked for that.
  script_call& durable() {
    durable_ = true;
    return *this;
  }
  [[nodiscard]] bool is_durable() const noexcept { return durable_; }

  [[nodiscard]] const redis_scripts::script& script() const noexcept { return *script_; }
  [[nodiscard]] const std::vector<std::string>& keys() const noexcept { return keys_; }
  [[nodiscard]] std::size_t arguments() const noexcept { return arguments_.size(); }

  // EVALSHA names a script that the server has loaded; EVAL sends its text.
  enum class form { evalsha, eval };
  void append_to(redis::request& commands, form command) const;

 private:
  const redis_scripts::script* script_;
  std::vector<std::string> keys_, arguments_;
  bool durable_ = false;
};

// The members of a {"members", name, …} answer: the next call has to declare their keys. Empty for any other answer.
[[nodiscard]] std::vector<std::string> undeclared_members(const redis::reply& answer);
// The error for an answer that no script gives.
[[nodiscard]] error unexpected_answer(const std::string& operation);

}  // namespace mcpstate
