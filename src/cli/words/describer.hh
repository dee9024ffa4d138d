// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include "cli/words/arguments.hh"

namespace CLI {
class App;
class Option;
class Validator;
}  // namespace CLI

// What descriptions of commands are made of.
namespace mcpstate::cli {

class describer {
 public:
  describer(CLI::App& root, arguments& into) : root_(root), into_(into) {}

  static constexpr const char* reading = "Commands that read";
  static constexpr const char* writing = "Commands that write";
  static constexpr const char* operating = "Commands for operators";

  // One more command. more: what its help says before the examples.
  CLI::App& add(const char* name, const char* group, const char* about, const std::vector<std::string>& examples,
                const std::string& more = {});
  // Everywhere, so that they may stand before the command and after it.
  void add_globals(CLI::App& app, bool own_timeout = false);
  CLI::Option* add_ca_file(CLI::App& app);
  void add_json(CLI::App& app);
  // An option that is said twice is no mistake: an alias or a script says it first, a person after it.
  static void last_one_wins(CLI::App& app);
  // Digits only: what reads numbers takes -1 for a very large one.
  static CLI::Validator digits();
  // One of these words, in any case; it becomes the word as it stands here. The description is the list itself: completion
  // reads it back.
  static CLI::Validator word_of(const std::vector<std::string>& words);
  // An option that may be said again and again.
  static void repeated(CLI::Option* option);

  CLI::Option* owner(CLI::App& sub, bool required);
  CLI::Option* server(CLI::App& sub, bool required);

 protected:
  CLI::App& root_;
  arguments& into_;
};

// serve, token and servers.
void describe_service_commands(CLI::App& root, arguments& into);

}  // namespace mcpstate::cli
