// SPDX-License-Identifier: MIT
#include "cli/words/settings.hh"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

#include <mcpstate/open_store.hpp>

#include "cli/words/dotenv.hh"
#include "cli/words/input.hh"
#include "core/duration.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

struct named_value {
  std::string text;
  std::string name;  // "--ttl", "MCPSTATE_TTL"
  url_origin origin = url_origin::none;
};

// An empty variable is one that is not set: that is how people switch one off for a single command.
class value_lookup {
 public:
  explicit value_lookup(const environment& env) : env_(env), file_(parse_dotenv(env.dotenv)) {}

  std::optional<named_value> find(const std::string& flag, const std::string& flag_name, const std::string& variable) const {
    if (!flag.empty()) return named_value{flag, flag_name, url_origin::flag};
    if (const auto set = env_.variable(variable); set && !set->empty()) {
      return named_value{*set, variable, url_origin::environment};
    }
    const auto in_file = file_.find(variable);
    if (in_file == file_.end() || in_file->second.empty()) return std::nullopt;
    return named_value{in_file->second, variable + " in .env", url_origin::dotenv};
  }

 private:
  const environment& env_;
  std::map<std::string, std::string> file_;
};

std::string read_file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

result<void> choose_url(settings& out, const global_flags& flags, const value_lookup& values) {
  const auto url = values.find(flags.store, "--store", "REDIS_URL");
  out.url = url ? url->text : "sqlite:";
  out.origin = url ? url->origin : url_origin::none;
  const auto parsed = parse_store_url(out.url);
  if (parsed) return {};
  return error(parsed.error().code(), (url ? url->name + ": " : std::string()) + parsed.error().detail());
}

result<void> choose_key_options(settings& out, const global_flags& flags) {
  out.options.layout = flags.layout == "tagged" ? key_layout::tagged : key_layout::plain;
  const auto keys = key_space::make(flags.prefix, out.options.layout);
  if (!keys) return error(keys.error().code(), "--prefix: " + keys.error().detail());
  out.options.prefix = flags.prefix;
  return {};
}

result<void> choose_times(settings& out, const global_flags& flags, const value_lookup& values) {
  using namespace std::chrono_literals;
  if (const auto ttl = values.find(flags.ttl, "--ttl", "MCPSTATE_TTL")) {
    MCPSTATE_TRY(parsed, parse_duration(ttl->text, ttl->name));
    if (parsed < 1s) return error(errc::bad_argument, ttl->name + " is too short: at least 1s");
    out.options.ttl = parsed;
  }
  return read_duration(out.options.timeout, flags.timeout, "--timeout");
}

result<void> choose_certificates(settings& out, const global_flags& flags) {
  if (!flags.ca_file.empty() && ::access(flags.ca_file.c_str(), R_OK) != 0) {
    return error(errc::bad_argument, "--ca-file " + printable(flags.ca_file) + " cannot be read");
  }
  out.options.ca_file = flags.ca_file;
  return {};
}

}  // namespace

environment process_environment() {
  environment env;
  env.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
  env.dotenv = read_file(".env");
  return env;
}

result<settings> choose_settings(const global_flags& flags, const environment& env) {
  settings out;
  const value_lookup values(env);
  MCPSTATE_CHECK(choose_url(out, flags, values));
  MCPSTATE_CHECK(choose_key_options(out, flags));
  MCPSTATE_CHECK(choose_times(out, flags, values));
  MCPSTATE_CHECK(choose_certificates(out, flags));
  out.options.tls_verify = !flags.insecure_tls;
  out.json = flags.json;
  return out;
}

result<settings> settings_without_store(const global_flags& flags) {
  settings out;
  MCPSTATE_CHECK(choose_certificates(out, flags));
  out.json = flags.json;
  out.has_store = false;
  return out;
}

}  // namespace mcpstate::cli
