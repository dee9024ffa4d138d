// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "cli/reach/run.hh"
#include "cli/words/arguments.hh"

// From words to a command: each of these checks its words (a wrong one is an error before anything is opened) and answers
// what is then to run. The bodies stand in the file of the command's name; read.cpp and write.cpp have several.
namespace mcpstate::cli {

// read.cpp
[[nodiscard]] result<command> make_list(const arguments& args);
[[nodiscard]] result<command> make_show(const arguments& args);
[[nodiscard]] result<command> make_stats(const arguments& args);
// write.cpp
[[nodiscard]] result<command> make_set(const arguments& args);
[[nodiscard]] result<command> make_touch(const arguments& args);
[[nodiscard]] result<command> make_disconnect(const arguments& args);
[[nodiscard]] result<command> make_claim(const arguments& args);
// NAME.cpp
[[nodiscard]] result<command> make_tools(const arguments& args);
[[nodiscard]] result<command> make_refresh(const arguments& args);  // tools --refresh
[[nodiscard]] result<command> make_watch(const arguments& args);
[[nodiscard]] result<command> make_connect(const arguments& args);
[[nodiscard]] result<command> make_call(const arguments& args);
[[nodiscard]] result<command> make_probe(const arguments& args);
[[nodiscard]] result<command> make_clear(const arguments& args);
[[nodiscard]] result<command> make_backup(const arguments& args);
[[nodiscard]] result<command> make_restore(const arguments& args);
[[nodiscard]] result<command> make_doctor(const arguments& args);
[[nodiscard]] result<command> make_serve(const arguments& args);
[[nodiscard]] result<command> make_token(const arguments& args);
[[nodiscard]] result<command> make_servers(const arguments& args);

// The command of that name; bad_argument for any other.
[[nodiscard]] result<command> make_command(const arguments& args);
// Whether a command works on a store.
[[nodiscard]] bool uses_store(const std::string& command) noexcept;

}  // namespace mcpstate::cli
