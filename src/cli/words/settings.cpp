// SPDX-License-Identifier: MIT
#include "cli/words/settings.hh"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

#include <mcpstate/open_store.hpp>

#include "cli/view/text.hh"
#include "cli/words/dotenv.hh"
#include "core/duration.hh"

namespace mcpstate::cli {

namespace {

struct named_value {
  std::string text;
  std::string from;  // "--ttl", "MCPSTATE_TTL"
  origin_of_url origin = origin_of_url::none;
};

// An empty variable is one that is not set: that is how people switch one off for a single command.
class lookup {
 public:
  explicit lookup(const surroundings& around) : around_(around), file_(parse_dotenv(around.dotenv)) {}

  std::optional<named_value> find(const std::string& flag, const std::string& flag_name, const std::string& variable) const {
    if (!flag.empty()) return named_value{flag, flag_name, origin_of_url::flag};
    if (const auto set = around_.variable(variable); set && !set->empty()) {
      return named_value{*set, variable, origin_of_url::environment};
    }
    const auto in_file = file_.find(variable);
    if (in_file == file_.end() || in_file->second.empty()) return std::nullopt;
    return named_value{in_file->second, variable + " in .env", origin_of_url::dotenv};
  }

 private:
  const surroundings& around_;
  std::map<std::string, std::string> file_;
};

std::string text_of_file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

result<void> choose_url(settings& out, const global_flags& flags, const lookup& values) {
  const auto url = values.find(flags.store, "--store", "REDIS_URL");
  out.url = url ? url->text : "sqlite:";
  out.origin = url ? url->origin : origin_of_url::none;
  const auto parsed = parse_store_url(out.url);
  if (parsed) return {};
  return error(parsed.error().code(), (url ? url->from + ": " : std::string()) + parsed.error().detail());
}

result<void> choose_keys(settings& out, const global_flags& flags) {
  out.options.layout = flags.layout == "tagged" ? key_layout::tagged : key_layout::plain;
  const auto keys = key_space::make(flags.prefix, out.options.layout);
  if (!keys) return error(keys.error().code(), "--prefix: " + keys.error().detail());
  out.options.prefix = flags.prefix;
  return {};
}

result<void> choose_times(settings& out, const global_flags& flags, const lookup& values) {
  using namespace std::chrono_literals;
  if (const auto ttl = values.find(flags.ttl, "--ttl", "MCPSTATE_TTL")) {
    const auto parsed = parse_duration(ttl->text, ttl->from);
    if (!parsed) return parsed.error();
    if (*parsed < 1s) return error(errc::bad_argument, ttl->from + " is too short: at least 1s");
    out.options.ttl = *parsed;
  }
  if (!flags.timeout.empty()) {
    const auto parsed = parse_duration(flags.timeout, "--timeout");
    if (!parsed) return parsed.error();
    out.options.timeout = *parsed;
  }
  return {};
}

result<void> choose_certificates(settings& out, const global_flags& flags) {
  if (!flags.ca_file.empty() && ::access(flags.ca_file.c_str(), R_OK) != 0) {
    return error(errc::bad_argument, "--ca-file " + shown(flags.ca_file) + " cannot be read");
  }
  out.options.ca_file = flags.ca_file;
  return {};
}

}  // namespace

surroundings process_surroundings() {
  surroundings around;
  around.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
  around.dotenv = text_of_file(".env");
  return around;
}

result<settings> choose_settings(const global_flags& flags, const surroundings& around) {
  settings out;
  const lookup values(around);
  if (const auto ok = choose_url(out, flags, values); !ok) return ok.error();
  if (const auto ok = choose_keys(out, flags); !ok) return ok.error();
  if (const auto ok = choose_times(out, flags, values); !ok) return ok.error();
  if (const auto ok = choose_certificates(out, flags); !ok) return ok.error();
  out.options.tls_verify = !flags.insecure_tls;
  out.json = flags.json;
  return out;
}

result<settings> settings_without_store(const global_flags& flags) {
  settings out;
  if (const auto ok = choose_certificates(out, flags); !ok) return ok.error();
  out.json = flags.json;
  out.has_store = false;
  return out;
}

}  // namespace mcpstate::cli
