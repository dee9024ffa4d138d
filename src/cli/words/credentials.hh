// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "cli/words/arguments.hh"
#include "cli/words/settings.hh"

// What a server wants to see: headers and variables. A value on a command line is seen by everybody who can list processes, so
// that it may come from a variable of the environment (${NAME}, ${NAME:-default}), a file, or standard input ("-"). Blocking;
// used before anything runs. Failure: bad_argument, which names the option and never shows a value.
namespace mcpstate::cli {

using name_value_pairs = std::vector<std::pair<std::string, std::string>>;

// Of --header and --header-file, in this order: "Name: value", in the file one a line; blank lines and # comments are none.
[[nodiscard]] result<name_value_pairs> read_headers(const arguments& args, const environment& env);
// Of --env and --env-file, in this order: NAME=value; the file has the form of a .env file.
[[nodiscard]] result<name_value_pairs> read_variables(const arguments& args, const environment& env);

}  // namespace mcpstate::cli
