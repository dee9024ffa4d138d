// SPDX-License-Identifier: MIT
#pragma once
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <string>
#include <vector>

#include "cli/words/arguments.hh"

namespace mcpstate::cli {

// What descriptions of commands are made of.
class describer {
 public:
  describer(CLI::App& root, arguments& args) : root_(root), args_(args) {}

  static constexpr const char* reading = "Commands that read";
  static constexpr const char* writing = "Commands that write";
  static constexpr const char* operating = "Commands for operators";

  // One more command. remarks: what its help says before the examples.
  CLI::App& add(const char* name, const char* group, const char* summary, const std::vector<std::string>& examples,
                const std::string& remarks = {});
  // An option with a value. value: what its help calls the value.
  template <class T>
  static CLI::Option* option(CLI::App& app, const char* name, T& target, const char* value, const char* help) {
    return app.add_option(name, target, help)->option_text(value);
  }
  // A word without a name of its own.
  template <class T>
  static CLI::Option* positional(CLI::App& app, const char* name, T& target, const char* help) {
    return option(app, name, target, " ", help);
  }
  // An option that may be given again and again.
  static void repeated(CLI::App& app, const char* name, std::vector<std::string>& target, const char* value,
                       const char* help);

  // Everywhere, so that they may stand before the command and after it.
  void add_globals(CLI::App& app, bool own_timeout = false);
  CLI::Option* add_ca_file(CLI::App& app);
  void add_json(CLI::App& app);
  CLI::Option* add_owner(CLI::App& sub, bool required);
  CLI::Option* add_server(CLI::App& sub, bool required);
  // An option that is given twice is no mistake: an alias or a script gives it first, a person after it.
  static void last_one_wins(CLI::App& app);
  // Digits only: what reads numbers takes -1 for a very large one.
  static CLI::Validator digits();
  // One of these words, in any case; it becomes the word as it stands here. The description is the list itself: completion
  // reads it back.
  static CLI::Validator choice(const std::vector<std::string>& words);

 protected:
  CLI::App& root_;
  arguments& args_;
};

}  // namespace mcpstate::cli
