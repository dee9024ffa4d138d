// SPDX-License-Identifier: MIT
#include "cli/words/describer.hh"

#include "core/text/ascii.hh"

namespace mcpstate::cli {

CLI::App& describer::add(const char* name, const char* group, const char* summary, const std::vector<std::string>& examples,
                         const std::string& remarks) {
  auto& sub = *root_.add_subcommand(name, summary);
  sub.group(group);
  sub.callback([&chosen = args_.command, name] { chosen = name; });
  sub.set_help_flag("-h,--help", "Print this help and end");
  std::string footer = (remarks.empty() ? "" : remarks + "\n") + "Examples:";
  for (const auto& example : examples) footer += "\n  " + example;
  sub.footer(footer);
  return sub;
}

void describer::repeated(CLI::App& app, const char* name, std::vector<std::string>& target, const char* value,
                         const char* help) {
  option(app, name, target, value, help)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

void describer::add_globals(CLI::App& app, bool own_timeout) {
  auto& g = args_.global;
  const auto store = [&app](const char* name, std::string& target, const char* value, const char* help) {
    return option(app, name, target, value, help)->group("Store");
  };
  store(
      "--store,--url", g.store, "URL",
      "Where the state lives: sqlite:PATH, memory:, redis://…, rediss://…, unix://…, redis-sentinel://…, redis-cluster://…");
  store("--prefix", g.prefix, "TEXT", "What Redis keys begin with (default: mcp)");
  store("--layout", g.layout, "LAYOUT", "Redis keys: plain or tagged (default: plain; on a cluster always tagged)")
      ->transform(choice({"plain", "tagged"}));
  store("--ttl", g.ttl, "DURATION", "How long an unused record lives: 7d, 24h, 90m, 30s (default: $MCPSTATE_TTL, else 24h)");
  store("--owner-bytes", g.owner_bytes, "N",
        "Most bytes of tools that one owner stores; 0: any number (default: $MCPSTATE_OWNER_BYTES, else 16 MiB)");
  app.add_flag(
         "--durable{all}", g.durable,
         "A change has failed until N replicas of Redis have it; not on a cluster (default: $MCPSTATE_DURABLE; without N all of them)")
      ->option_text("[=N]")
      ->group("Store");
  if (!own_timeout) {
    store("--timeout", g.timeout, "DURATION", "How long one operation of the store may take (default: 5s)");
  }
  add_ca_file(app)->group("Store");
  store("--cert-file", g.cert_file, "FILE", "What is shown to a Redis that asks for a client certificate (PEM)");
  store("--key-file", g.key_file, "FILE", "The key of --cert-file, without a pass phrase (PEM)");
  store("--password-file", g.password_file, "FILE",
        "The password of Redis is the only line of this file (default: $REDIS_PASSWORD_FILE)");
  app.add_flag("--insecure-tls", g.insecure_tls, "Do not check the store's certificate; for tests")->group("Store");
  add_json(app);
}

CLI::Option* describer::add_ca_file(CLI::App& app) {
  return option(app, "--ca-file", args_.global.ca_file, "FILE", "Certificates to trust instead of the system's (PEM)");
}

void describer::add_json(CLI::App& app) {
  app.add_flag("--json", args_.global.json, "JSON on standard output")->group("Output");
}

CLI::Option* describer::add_owner(CLI::App& sub, bool required) {
  return positional(sub, "OWNER", args_.owner, "user:ID or session:KEY")->required(required);
}

CLI::Option* describer::add_server(CLI::App& sub, bool required) {
  return positional(sub, "SERVER", args_.server, "The name of an MCP server, such as github")->required(required);
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

CLI::Validator describer::choice(const std::vector<std::string>& words) {
  const auto check = [words](std::string& given) {
    for (const auto& word : words) {
      if (!ascii_iequal(given, word)) continue;
      given = word;
      return std::string();
    }
    return "'" + given + "' is none of " + CLI::detail::join(words, ", ");
  };
  return CLI::Validator(check, "{" + CLI::detail::join(words, ",") + "}");
}

}  // namespace mcpstate::cli
