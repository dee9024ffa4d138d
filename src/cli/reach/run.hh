// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <memory>
#include <utility>

#include <mcpstate/store.hpp>

#include "cli/reach/exit_code.hh"
#include "cli/view/terminal.hh"
#include "cli/words/settings.hh"

// Runs one command: opens the store, if the command has one, lets the command work, ends it on Ctrl-C, closes the store,
// answers the exit code.
namespace mcpstate::cli {

// What a command works with. Lives as long as the command.
struct context {
  context(asio::any_io_executor ex, const settings& chosen, terminal& streams)
      : executor(std::move(ex)), config(chosen), screen(streams) {}
  asio::any_io_executor executor;
  const settings& config;
  terminal& screen;
  std::unique_ptr<mcpstate::store> store;  // null in a command without one
  std::shared_ptr<void> remains;           // destroyed after the executor has run, because that may wait for a thread
  bool stopping = false;                   // Ctrl-C: loops end here, whether or not what they await notices a cancellation

  // Whether this failure only tells that the person at the keyboard has ended the command: that says nothing about others.
  [[nodiscard]] bool interrupted(const error& e) const noexcept { return stopping || e.is(cond::cancelled); }
  // Reports an error and answers the exit code; a cancellation is silent (run() knows the signal).
  int fail(const error& e, error_source source = error_source::store);
};

// A command that is ready to run: all its words are checked. Cancellation arrives as the terminal kind; a command that cleans
// up by awaiting begins with throw_if_cancelled(false).
struct command {
  // A function that calls a coroutine with parameters by value (CONTRIBUTING, "Coroutines": no lambda here is a coroutine
  // itself). Null: it was asked about, and answered with no.
  using function = std::function<asio::awaitable<int>(context&)>;
  explicit command(function body) : run(std::move(body)) {}
  function run;
  // Instead of the usual report when the store cannot be opened; may be empty.
  std::function<int(context&, const error&)> without_store;
  // The command opens its store by itself; run() closes it.
  bool opens_store = false;
  // Writes nothing, so that an SQLite file which this user can only read will do.
  bool only_reads = false;
  // Runs until a signal ends it: that is no failure then, and its own exit code counts.
  bool until_signal = false;
};

// A command of that function that only reads.
[[nodiscard]] inline command reading_command(command::function body) {
  command out(std::move(body));
  out.only_reads = true;
  return out;
}

[[nodiscard]] int run(const command& definition, const settings& config, terminal& screen);

}  // namespace mcpstate::cli
