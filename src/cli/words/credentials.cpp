// SPDX-License-Identifier: MIT
#include "cli/words/credentials.hh"

#include <algorithm>

#include "cli/words/dotenv.hh"
#include "cli/words/input.hh"
#include "core/file.hh"
#include "core/text/ascii.hh"
#include "core/text/printable.hh"
#include "core/text/trimmed.hh"
#include "core/text/utf8.hh"
#include "core/variables.hh"

namespace mcpstate::cli {

namespace {

constexpr std::size_t max_credentials_bytes = 64UL * 1024;

error wrong(const std::string& option, const std::string& why) { return error(errc::bad_argument, option + ": " + why); }

result<std::string> read_text(const std::string& path, const std::string& option) {
  if (path == "-") return read_standard_input(max_credentials_bytes);
  auto file = read_regular_file(path, max_credentials_bytes);
  const std::string named = option + " " + printable(path);
  if (file.what == file_content::outcome::too_large) return error(errc::bad_argument, named + " is larger than 64 KiB");
  if (!file.ok()) return error(errc::bad_argument, named + " cannot be read: " + file.reason);
  const bool text = is_valid_utf8(file.bytes) && file.bytes.find('\0') == std::string::npos;
  if (!text) return error(errc::bad_argument, named + " is not text in UTF-8");
  return std::move(file.bytes);
}

result<void> add_header_lines(name_value_pairs& out, std::string_view text) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    auto pair = parse_header(line);
    if (!pair) return wrong("--header-file", "line " + std::to_string(number) + " is not a header: Name: value");
    out.push_back(std::move(*pair));
  }
  return {};
}

// option: for the message.
result<std::string> expand_option(const std::string& text, const std::string& option, const environment& env) {
  auto out = expand_variables(text, [&env](const std::string& name) { return env.variable(name); });
  if (!out) return wrong(option, out.error().detail());
  return out;
}

}  // namespace

result<name_value_pairs> read_headers(const arguments& args, const environment& env) {
  name_value_pairs out;
  for (const auto& text : args.headers) {
    const auto expanded = expand_option(text, "--header", env);
    if (!expanded) return expanded.error();
    auto pair = parse_header(*expanded);
    if (!pair) return pair.error();
    out.push_back(std::move(*pair));
  }
  if (args.header_file.empty()) return out;
  const auto lines = read_text(args.header_file, "--header-file");
  if (!lines) return lines.error();
  if (const auto added = add_header_lines(out, *lines); !added) return added.error();
  return out;
}

result<name_value_pairs> read_variables(const arguments& args, const environment& env) {
  name_value_pairs out;
  for (const auto& text : args.env) {
    const auto expanded = expand_option(text, "--env", env);
    if (!expanded) return expanded.error();
    auto pair = parse_variable(*expanded);
    if (!pair) return pair.error();
    out.push_back(std::move(*pair));
  }
  if (args.env_file.empty()) return out;
  const auto text = read_text(args.env_file, "--env-file");
  if (!text) return text.error();
  for (auto& [name, value] : parse_dotenv(*text)) out.emplace_back(name, std::move(value));
  return out;
}

}  // namespace mcpstate::cli
