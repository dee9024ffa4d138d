// SPDX-License-Identifier: MIT
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "cli/words/describer.hh"

// The commands that have to do with the HTTP service.
namespace mcpstate::cli {

namespace {

constexpr const char* serving =
    "Without a token only loopback addresses are served, and everybody there may do everything.\n"
    "SIGHUP reads the files of --servers and --token-file again. SIGINT and SIGTERM end it within 2 seconds: exit code 0.\n"
    "docs/http.md explains the API.\n\n";

constexpr const char* minting =
    "The token goes to standard output. Whoever has it may see and change what concerns that owner, until it expires; it\n"
    "cannot be taken back before, but by taking the service token away that signed it. No store is needed.\n\n";
constexpr const char* registering =
    "The file is the one that MCP hosts share: {\"mcpServers\": {\"NAME\": {\"url\": …} or {\"command\": …, \"args\": "
    "[…]}}}.\n"
    "Headers, variables and arguments are not shown: they may be secrets. No store is needed.\n\n";

class service_builder : describer {
 public:
  service_builder(CLI::App& root, arguments& into) : describer(root, into) {}
  void build() {
    serve();
    token();
    servers();
  }

 private:
  void serve() {
    auto& sub = add("serve", operating, "Keep connections true, and answer over HTTP: API, live events, metrics, dashboard",
                    {"mcpstate serve", "mcpstate serve --servers servers.json --allow-egress mcp.internal",
                     "mcpstate serve --listen 0.0.0.0:7337 --token-file tokens.txt --log json"},
                    serving);
    auto& w = into_.serve;
    repeated(sub.add_option("--listen", w.listen, "Answer here (default: $MCPSTATE_LISTEN, else 127.0.0.1:7337)")
                 ->option_text("HOST:PORT"));
    sub.add_option("--servers", w.servers_file,
                   "The servers that owners may connect to by name, an mcpServers file (default: $MCPSTATE_SERVERS)")
        ->option_text("FILE");
    sub.add_option("--token-file", w.token_file,
                   "Service tokens, one a line (default: $MCPSTATE_TOKEN, or the file $MCPSTATE_TOKEN_FILE)")
        ->option_text("FILE");
    repeated(sub.add_option("--allow-host", w.hosts, "Also answer to this Host, as behind a proxy")->option_text("NAME"));
    repeated(sub.add_option("--allow-origin", w.origins, "Let pages of this origin use the API (CORS)")->option_text("URL"));
    repeated(sub.add_option("--allow-egress", w.egress,
                            "Let URLs that come over HTTP lead there: a host, an address, a network; http: without TLS")
                 ->option_text("WHAT"));
    sub.add_option("--log", w.log, "Lines for people or for programs (default: text)")
        ->option_text("STYLE")
        ->transform(word_of({"text", "json"}));
    sub.add_option("--log-level", w.log_level, "What is worth a line (default: info)")
        ->option_text("LEVEL")
        ->transform(word_of({"debug", "info", "warn", "error", "off"}));
    sub.add_option("--lease", w.lease, "After this time others take over from an instance that died (default: 15s)")
        ->option_text("DURATION");
    sub.add_option("--check", w.check, "How often a quiet server is asked whether it is there (default: 30s)")
        ->option_text("DURATION");
    sub.add_option("--name", w.name,
                   "What this instance is called among others, before a number of its own (default: host and process)")
        ->option_text("NAME");
    add_globals(sub);
  }

  void token() {
    auto& sub =
        add("token", operating, "Make a token with which one owner's connections can be seen and changed over HTTP",
            {"mcpstate token user:42 --token-file tokens.txt", "mcpstate token session:9fK --ttl 15m --json"}, minting);
    owner(sub, true);
    sub.add_option("--ttl", into_.token_ttl, "How long it is good (default: 1h)")->option_text("DURATION");
    sub.add_option("--token-file", into_.serve.token_file,
                   "Service tokens, the first one signs (default: $MCPSTATE_TOKEN, or the file $MCPSTATE_TOKEN_FILE)")
        ->option_text("FILE");
    add_json(sub);
  }

  void servers() {
    auto& sub = add("servers", operating, "List the servers that owners may connect to by name",
                    {"mcpstate servers --servers servers.json", "MCPSTATE_SERVERS=servers.json mcpstate servers --json"},
                    registering);
    sub.add_option("--servers", into_.serve.servers_file, "An mcpServers file (default: $MCPSTATE_SERVERS)")
        ->option_text("FILE");
    add_json(sub);
  }
};

}  // namespace

void describe_service_commands(CLI::App& root, arguments& into) { service_builder(root, into).build(); }

}  // namespace mcpstate::cli
