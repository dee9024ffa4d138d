// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <optional>
#include <string>

#include <mcpstate/store.hpp>

#include "cli/words/arguments.hh"

// Which store, and with what options: flag, then environment, then .env, then the default.
namespace mcpstate::cli {

enum class url_origin { flag, environment, dotenv, none };

struct settings {
  settings() {}
  std::string url;  // with its secrets: for open_store only
  url_origin origin = url_origin::none;
  store_options options;
  std::string remark;  // what people should know about where the settings come from; may be empty
  bool json = false;
  bool has_store = true;  // false: for a command that has nothing to do with one
};

// Where words come from that are not on the command line; tests bring their own.
struct environment {
  std::function<std::optional<std::string>(const std::string& name)> variable;
  // The text of ./.env, empty when there is none; an error when there is one that cannot be used. Called only if it is needed.
  std::function<result<std::string>()> dotenv;
};
[[nodiscard]] environment process_environment();

// Every value is checked here, so that a wrong one is reported before anything is opened. No error shows a URL's secrets.
[[nodiscard]] result<settings> choose_settings(const global_flags& flags, const environment& env);
// The same without a store, so that whatever stands in the environment cannot be wrong.
[[nodiscard]] result<settings> settings_without_store(const global_flags& flags);

}  // namespace mcpstate::cli
