// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "redis/link_config.hh"
#include "redis/reply.hh"
#include "redis/topology/redirect.hh"

// What the replies of one unit mean: that it is done, or which of its commands have not run and may be sent again. Pure.
//
// A unit is what one caller wants sent together, to one slot. A command that has run is never sent again.
namespace mcpstate::redis {

// What matters of a unit's commands.
struct unit_shape {
  unit_shape() {}
  unit_shape(std::size_t number, effect what, bool transaction) : commands(number), kind(what), atomic(transaction) {}
  std::size_t commands = 1;
  effect kind = effect::read;
  bool atomic = false;  // MULTI, …, EXEC: all of it has run or nothing
};

// The shape of a request. Takes the time of a comparison: it does not read the commands behind the first.
[[nodiscard]] unit_shape shape_of(const request& commands, effect kind) noexcept;

struct verdict {
  enum class step {
    done,     // the replies go to the caller
    again,    // `commands` have not run
    unknown,  // some may have run, and nobody can tell
    bug,      // a mistake of ours: no repetition helps
  };
  verdict() {}
  step next = step::done;
  refusal why;                        // the first refusal, unless done
  std::vector<std::size_t> commands;  // of again: their places in the unit, ascending; all of an atomic one
  bool any_ran = false;               // of again: others of its commands have run
};

// `answers` has one reply for each command.
[[nodiscard]] verdict judge(std::span<const reply> answers, const unit_shape& unit);

// The commands of an encoded request, one after the other, as they are written. Answers fewer if the text is no request.
[[nodiscard]] std::vector<std::string_view> split_commands(std::string_view encoded);

// A request of some of the commands of another, with the same limits for their replies. With `asking` they are sent with the permission that a node wants which
// is about to get their slot: before each command, and once before a transaction.
[[nodiscard]] request select_commands(const request& from, std::span<const std::size_t> wanted, bool atomic, bool asking);
// Takes the replies to ASKING out of the answer to such a request.
void drop_asking_replies(std::vector<reply>& answers, bool atomic);

}  // namespace mcpstate::redis
