// SPDX-License-Identifier: MIT
#include "cli/words/describer.hh"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace mcpstate::cli {

CLI::App& describer::add(const char* name, const char* group, const char* about, const std::vector<std::string>& examples,
                         const std::string& more) {
  auto& sub = *root_.add_subcommand(name, about);
  sub.group(group);
  sub.callback([&chosen = into_.command, name] { chosen = name; });
  sub.set_help_flag("-h,--help", "Print this help and end");
  std::string footer = more + "Examples:";
  for (const auto& e : examples) footer += "\n  " + e;
  sub.footer(footer);
  return sub;
}

void describer::add_globals(CLI::App& app, bool own_timeout) {
  auto& g = into_.global;
  app.add_option("--store,--url", g.store, "Where the state lives: sqlite:PATH, memory:, redis://…, rediss://…, unix://…")
      ->option_text("URL")
      ->group("Store");
  app.add_option("--prefix", g.prefix, "What Redis keys begin with (default: mcp)")->option_text("TEXT")->group("Store");
  app.add_option("--layout", g.layout, "Redis keys: plain, or tagged for a cluster (default: plain)")
      ->option_text("LAYOUT")
      ->group("Store")
      ->transform(word_of({"plain", "tagged"}));
  app.add_option("--ttl", g.ttl, "How long an unused record lives: 7d, 24h, 90m, 30s (default: $MCPSTATE_TTL, else 24h)")
      ->option_text("DURATION")
      ->group("Store");
  if (!own_timeout) {
    app.add_option("--timeout", g.timeout, "How long one operation of the store may take (default: 5s)")
        ->option_text("DURATION")
        ->group("Store");
  }
  add_ca_file(app)->group("Store");
  app.add_flag("--insecure-tls", g.insecure_tls, "Do not check the store's certificate; for tests")->group("Store");
  add_json(app);
}

CLI::Option* describer::add_ca_file(CLI::App& app) {
  return app.add_option("--ca-file", into_.global.ca_file, "Certificates to trust instead of the system's (PEM)")
      ->option_text("FILE");
}

void describer::add_json(CLI::App& app) {
  app.add_flag("--json", into_.global.json, "JSON on standard output")->group("Output");
}

void describer::last_one_wins(CLI::App& app) {
  for (auto* o : app.get_options([](const CLI::Option* any) { return any->nonpositional(); })) {
    const bool one_value = o->get_expected_max() == 1 && o->get_multi_option_policy() == CLI::MultiOptionPolicy::Throw;
    if (one_value) o->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
}

CLI::Validator describer::digits() {
  const auto check = [](std::string& given) {
    const bool ok = !given.empty() && given.size() < 20 && given.find_first_not_of("0123456789") == std::string::npos;
    return ok ? std::string() : "'" + given + "' is not a number";
  };
  return CLI::Validator(check, "");
}

CLI::Validator describer::word_of(const std::vector<std::string>& words) {
  const auto check = [words](std::string& given) {
    for (const auto& w : words) {
      if (CLI::detail::to_lower(given) == CLI::detail::to_lower(w)) {
        given = w;
        return std::string();
      }
    }
    return "'" + given + "' is none of " + CLI::detail::join(words, ", ");
  };
  return CLI::Validator(check, "{" + CLI::detail::join(words, ",") + "}");
}

CLI::Option* describer::owner(CLI::App& sub, bool required) {
  return sub.add_option("OWNER", into_.owner, "user:ID or session:KEY")->required(required)->option_text(" ");
}
CLI::Option* describer::server(CLI::App& sub, bool required) {
  return sub.add_option("SERVER", into_.server, "The name of an MCP server, such as github")
      ->required(required)
      ->option_text(" ");
}

void describer::repeated(CLI::Option* option) {
  option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
}

}  // namespace mcpstate::cli
