// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <memory>

#include <mcpstate/store.hpp>

#include "cli/view/terminal.hh"
#include "cli/words/settings.hh"

// Runs one command: opens the store, if the command has one, lets the command work, ends it on Ctrl-C, closes the store,
// answers the exit code.
namespace mcpstate::cli {

namespace exits {
inline constexpr int done = 0;
inline constexpr int no = 1;           // connect failed, not found, conflict, doctor found something
inline constexpr int usage = 2;        // wrong usage
inline constexpr int unreachable = 3;  // the store cannot be reached, or cannot serve
}  // namespace exits

// Who reported an error: the same condition means something else when it is about what was typed.
enum class blame { input, store };
// The one place where an error becomes an exit code.
[[nodiscard]] int exit_code_of(const error& e, blame whose) noexcept;
// The one line for people: what happened, what to do, and what the peer said.
[[nodiscard]] std::string line_of(const error& e);

// What a command works with. Lives as long as the command.
struct context {
  context(asio::any_io_executor ex, const settings& from, terminal& to)
      : executor(std::move(ex)), config(from), screen(to) {}
  asio::any_io_executor executor;
  const settings& config;
  terminal& screen;
  std::unique_ptr<mcpstate::store> store;  // null in a command without one
  bool stopping = false;                   // Ctrl-C: loops end here, whether or not what they await notices a cancellation

  // Reports an error and answers the exit code; a cancellation is silent (run() knows the signal).
  int fail(const error& e, blame whose = blame::store);
};

// A command that is ready to run: all its words are checked. `run` is a function that calls a coroutine with parameters by
// value (CONTRIBUTING, "Coroutines": no lambda here is a coroutine itself). Cancellation arrives as the terminal kind; a
// command that cleans up by awaiting says throw_if_cancelled(false) first.
struct command {
  std::function<asio::awaitable<int>(context&)> run;
  // Instead of the usual report when the store cannot be opened; may be empty.
  std::function<int(context&, const error&)> without_store;
  // Runs until a signal ends it: that is no failure then, and its own exit code counts.
  bool until_signal = false;
};

[[nodiscard]] int run(const command& what, const settings& config, terminal& screen);

}  // namespace mcpstate::cli
