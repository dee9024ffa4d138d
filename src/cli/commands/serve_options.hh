// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string>

#include <mcpstate/manager.hpp>

#include "cli/words/arguments.hh"
#include "cli/words/settings.hh"
#include "service/gate/access_keys.hh"
#include "service/operations/log_line.hh"
#include "service/routes/process_services.hh"
#include "service/server/service_options.hh"

// The options of `mcpstate serve`: from the command line, then from the environment.
namespace mcpstate::cli {

struct serve_options {
  serve_options() {}
  service::service_options server;
  service::process_options process;
  manager_options manager;
  std::string servers_path, token_path;  // read again on SIGHUP; empty: there is none
  service::log_style style = service::log_style::text;
  service::log_level level = service::log_level::info;
};
// Reads the files too, so that every mistake is reported before anything is opened. bad_argument names the option or the
// file.
[[nodiscard]] result<serve_options> choose_serve_options(const serve_words& words, const environment& env);

// The service tokens: those in the named file (--token-file), else $MCPSTATE_TOKEN, else those in the file
// $MCPSTATE_TOKEN_FILE. No keys when there is none of these. bad_argument says which one is wrong and never shows a token.
struct token_choice {
  token_choice() {}
  service::access_keys keys;
  std::string path;  // of the file; empty: the tokens come from no file
};
[[nodiscard]] result<token_choice> choose_tokens(const std::string& file, const environment& env);

// Reads the servers in a file. bad_argument names the file.
[[nodiscard]] result<std::shared_ptr<const server_registry>> read_servers(const std::string& path, const environment& env);

// Names the programs that are the same for every owner, and says what that means; empty: there are none.
[[nodiscard]] std::string shared_programs_text(const server_registry& servers);

// The flag, else the variable; empty when neither is given.
[[nodiscard]] std::string flag_or_variable(const std::string& flag, const char* variable, const environment& env);

// "127.0.0.1:7337", "[::1]:7337", "localhost:0", ":7337" (127.0.0.1).
[[nodiscard]] result<service::listen_address> parse_listen(const std::string& text);

}  // namespace mcpstate::cli
