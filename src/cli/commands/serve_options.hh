// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string>

#include <mcpstate/manager.hpp>

#include "cli/words/arguments.hh"
#include "cli/words/settings.hh"
#include "service/gate/access.hh"
#include "service/operations/log.hh"
#include "service/server/server.hh"

// What `mcpstate serve` was told: its words, then the environment.
namespace mcpstate::cli {

struct serve_options {
  serve_options() {}
  service::service_options web;
  manager_options manager;
  std::string servers_path, token_path;  // read again on SIGHUP; empty: there is none
  service::log_style style = service::log_style::text;
  service::log_level level = service::log_level::info;
};
// Reads the files, so that whatever is wrong is told before anything is opened. bad_argument names the option or the file.
[[nodiscard]] result<serve_options> choose_serve_options(const serve_words& words, const environment& env);

// The service tokens: of the file that was named (--token-file), else $MCPSTATE_TOKEN, else of the file
// $MCPSTATE_TOKEN_FILE. No keys where there is none of these; bad_argument says which one is wrong, and never a token.
struct token_choice {
  token_choice() {}
  service::access_keys keys;
  std::string path;  // of the file; empty: there is none
};
[[nodiscard]] result<token_choice> choose_tokens(const std::string& file, const environment& env);

// The servers in a file. bad_argument names the file.
[[nodiscard]] result<std::shared_ptr<const server_registry>> read_servers(const std::string& path, const environment& env);

// The flag, else the variable; empty when neither is given.
[[nodiscard]] std::string flag_or_variable(const std::string& flag, const char* variable, const environment& env);

// "127.0.0.1:7337", "[::1]:7337", "localhost:0", ":7337" (127.0.0.1).
[[nodiscard]] result<service::listen_place> parse_listen(const std::string& text);

}  // namespace mcpstate::cli
