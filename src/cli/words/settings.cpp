// SPDX-License-Identifier: MIT
#include "cli/words/settings.hh"

#include <cstdlib>
#include <map>

#include <mcpstate/open_store.hpp>

#include "cli/words/dotenv.hh"
#include "cli/words/input.hh"
#include "core/duration.hh"
#include "core/file.hh"
#include "core/text/number.hh"
#include "core/text/printable.hh"
#include "core/text/trimmed.hh"
#include "core/text/utf8.hh"

namespace mcpstate::cli {

namespace {

constexpr std::size_t max_dotenv_bytes = 64UL * 1024;
constexpr std::uint64_t max_owner_bytes = std::uint64_t{1} << 50;  // exact in a script
constexpr std::size_t max_certificate_bytes = 16UL * 1024 * 1024;
constexpr std::size_t max_password_bytes = 4096;

struct named_value {
  std::string text;
  std::string name;  // "--ttl", "MCPSTATE_TTL"
  url_origin origin = url_origin::none;
};

// An empty variable is one that is not set: that is how people switch one off for a single command. Blanks and line ends around
// a value are no part of it: variables are often filled from files.
class value_lookup {
 public:
  explicit value_lookup(const environment& env) : env_(env) {}

  // The file is read only for what is said nowhere else. Failure: it is there and cannot be used.
  result<std::optional<named_value>> find(const std::string& flag, const std::string& flag_name,
                                          const std::string& variable) {
    if (!flag.empty()) {
      const auto text = trimmed(flag);
      return named_value{text.empty() ? flag : std::string(text), flag_name, url_origin::flag};
    }
    if (const auto set = env_.variable(variable); set && !trimmed(*set).empty()) {
      return named_value{std::string(trimmed(*set)), variable, url_origin::environment};
    }
    if (!file_) {
      const auto text = env_.dotenv ? env_.dotenv() : result<std::string>(std::string());
      if (!text) return text.error();
      file_ = parse_dotenv(*text);
    }
    const auto in_file = file_->find(variable);
    if (in_file == file_->end() || trimmed(in_file->second).empty()) return std::optional<named_value>();
    return named_value{std::string(trimmed(in_file->second)), variable + " in .env", url_origin::dotenv};
  }

 private:
  const environment& env_;
  std::optional<std::map<std::string, std::string>> file_;
};

result<void> choose_url(settings& out, const global_flags& flags, value_lookup& values) {
  const auto found = values.find(flags.store, "--store", "REDIS_URL");
  if (!found) return error(found.error().code(), found.error().detail() + "; or name the store with --store or REDIS_URL");
  const auto& url = *found;
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

result<void> choose_times(settings& out, const global_flags& flags, value_lookup& values) {
  using namespace std::chrono_literals;
  const auto found = values.find(flags.ttl, "--ttl", "MCPSTATE_TTL");
  // The store is known without the file, so that it need not be the file of this program at all.
  if (!found) out.remark = found.error().detail() + "; a time to live in it is not used";
  if (const auto ttl = found ? *found : std::nullopt) {
    MCPSTATE_TRY(parsed, parse_duration(ttl->text, ttl->name));
    if (parsed < 1s) return error(errc::bad_argument, ttl->name + " is too short: at least 1s");
    out.options.ttl = parsed;
  }
  if (auto read = read_duration(out.options.timeout, flags.timeout, "--timeout"); !read) return read;
  if (out.options.timeout > 24h) return error(errc::bad_argument, "--timeout is too long: at most 1d");
  return {};
}

result<void> choose_owner_bytes(settings& out, const global_flags& flags, value_lookup& values) {
  const auto found = values.find(flags.owner_bytes, "--owner-bytes", "MCPSTATE_OWNER_BYTES");
  if (!found || !*found) return {};  // choose_times() has told of a file that cannot be used
  const auto bytes = parse_number<std::uint64_t>((*found)->text);
  if (!bytes || *bytes > max_owner_bytes)
    return error(errc::bad_argument, (*found)->name + " is a number of bytes, 0 for any number");
  out.options.owner_bytes = *bytes;
  return {};
}

result<void> choose_durable(settings& out, const global_flags& flags, value_lookup& values) {
  const auto found = values.find(flags.durable, "--durable", "MCPSTATE_DURABLE");
  if (!found || !*found) return {};  // choose_times() has told of a file that cannot be used
  const std::string& text = (*found)->text;
  if (text == "all") {
    out.options.durable = 0;
    return {};
  }
  const auto replicas = parse_number<unsigned>(text);
  if (!replicas || *replicas < 1 || *replicas > store_options::most_replicas)
    return error(errc::bad_argument, (*found)->name + " is a number of replicas from 1 to " +
                                         std::to_string(store_options::most_replicas) + ", or all of them: all");
  out.options.durable = *replicas;
  return {};
}

// A file that cannot be read is reported here; what it holds, when it is used.
result<void> check_file(const std::string& path, const std::string& name, std::size_t limit) {
  const auto fault = path.empty() ? std::string() : regular_file_fault(path, limit);
  if (fault.empty()) return {};
  return error(errc::bad_argument, name + " " + printable(path) + " cannot be read: " + fault);
}

result<void> choose_certificates(settings& out, const global_flags& flags) {
  MCPSTATE_CHECK(check_file(flags.ca_file, "--ca-file", max_certificate_bytes));
  out.options.ca_file = flags.ca_file;
  return {};
}

result<void> choose_client_certificate(settings& out, const global_flags& flags) {
  MCPSTATE_CHECK(check_file(flags.cert_file, "--cert-file", max_certificate_bytes));
  MCPSTATE_CHECK(check_file(flags.key_file, "--key-file", max_certificate_bytes));
  if (!flags.key_file.empty() && flags.cert_file.empty())
    return error(errc::bad_argument, "--key-file is the key of a certificate; name that with --cert-file");
  out.options.cert_file = flags.cert_file;
  out.options.key_file = flags.key_file;
  return {};
}

// A password in the URL is the nearer word where the file is named in the environment only.
result<void> choose_password_file(settings& out, const global_flags& flags, value_lookup& values) {
  const auto found = values.find(flags.password_file, "--password-file", "REDIS_PASSWORD_FILE");
  if (!found || !*found) return {};  // choose_times() has told of a .env that cannot be used
  const auto& file = **found;
  const auto url = parse_store_url(out.url);
  const bool in_url = url && !url->password.empty();
  if (in_url && file.origin == url_origin::flag)
    return error(errc::bad_argument, "--password-file names a file, and the URL of the store has a password; leave one out");
  if (in_url) return {};
  MCPSTATE_CHECK(check_file(file.text, file.name, max_password_bytes));
  out.options.password_file = file.text;
  return {};
}

// The text of ./.env. Only a file that is not there says nothing; everything else might name another store.
result<std::string> read_dotenv() {
  using outcome = file_content::outcome;
  auto file = read_regular_file(".env", max_dotenv_bytes);
  if (file.what == outcome::absent) return std::string();
  if (file.what == outcome::too_large) return error(errc::bad_argument, ".env is larger than 64 KiB");
  if (!file.ok()) return error(errc::bad_argument, ".env cannot be read: " + file.reason);
  const bool text = is_valid_utf8(file.bytes) && file.bytes.find('\0') == std::string::npos;
  if (!text) return error(errc::bad_argument, ".env is not text in UTF-8: save it as such");
  return std::move(file.bytes);
}

}  // namespace

environment process_environment() {
  environment env;
  env.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
  env.dotenv = read_dotenv;
  return env;
}

result<settings> choose_settings(const global_flags& flags, const environment& env) {
  settings out;
  value_lookup values(env);
  MCPSTATE_CHECK(choose_url(out, flags, values));
  MCPSTATE_CHECK(choose_key_options(out, flags));
  MCPSTATE_CHECK(choose_times(out, flags, values));
  MCPSTATE_CHECK(choose_owner_bytes(out, flags, values));
  MCPSTATE_CHECK(choose_durable(out, flags, values));
  MCPSTATE_CHECK(choose_certificates(out, flags));
  MCPSTATE_CHECK(choose_client_certificate(out, flags));
  MCPSTATE_CHECK(choose_password_file(out, flags, values));
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
