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

// One call of a script: its keys and arguments, appended in the order in which the script reads them. Counts the declared
// keys. A value; not safe from several threads.
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
  // What a value has to be for the script to go on: its bytes, or absent.
  script_call& expected(const std::optional<std::string>& bytes);

  // A member whose keys the script may touch, as scripts/parts/members.lua reads it: status, tools, connected_at and info
  // among the keys, and its name among the arguments.
  script_call& member(const key_space& keys, const owner& who, const std::string& name);

  [[nodiscard]] const redis_scripts::script& script() const noexcept { return *script_; }
  [[nodiscard]] const std::vector<std::string>& keys() const noexcept { return keys_; }

  // EVALSHA names a script that the server has loaded; EVAL brings its text.
  enum class form { evalsha, eval };
  void append_to(redis::request& commands, form how) const;

 private:
  const redis_scripts::script* script_;
  std::vector<std::string> keys_, arguments_;
};

// The members of a {"members", name, …} answer, whose keys the next call has to declare; empty for any other answer.
[[nodiscard]] std::vector<std::string> undeclared_members(const redis::reply& answer);
// Of an answer that no script of ours gives.
[[nodiscard]] error unexpected_answer(const std::string& doing);

}  // namespace mcpstate
