// SPDX-License-Identifier: MIT
#include "cli/words/describe_service.hh"

#include "cli/words/describer.hh"

namespace mcpstate::cli {

namespace {

constexpr const char* serving = R"(Without a token only loopback addresses are served, and everybody there may do everything.
SIGHUP reads the files of --servers and --token-file again. SIGINT and SIGTERM end it within 2 seconds: exit code 0.
docs/http.md explains the API.
)";

constexpr const char* minting =
    R"(The token goes to standard output. Whoever has it may see and change what concerns that owner, until it expires; it
cannot be taken back before, but by taking the service token away that signed it. No store is needed.
)";
constexpr const char* registering =
    R"(The file is the one that MCP hosts share: {"mcpServers": {"NAME": {"url": …} or {"command": …, "args": […]}}}.
Headers, variables and arguments are not shown: they may be secrets. No store is needed.
)";

class service_describer : describer {
 public:
  service_describer(CLI::App& root, arguments& args) : describer(root, args) {}
  void describe_all() {
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
    auto& w = args_.serve;
    repeated(sub, "--listen", w.listen, "HOST:PORT", "Answer here (default: $MCPSTATE_LISTEN, else 127.0.0.1:7337)");
    option(sub, "--servers", w.servers_file, "FILE",
           "The servers that owners may connect to by name, an mcpServers file (default: $MCPSTATE_SERVERS)");
    option(sub, "--token-file", w.token_file, "FILE",
           "Service tokens, one a line (default: $MCPSTATE_TOKEN, or the file $MCPSTATE_TOKEN_FILE)");
    repeated(sub, "--allow-host", w.hosts, "NAME", "Also answer to this Host, as behind a proxy");
    repeated(sub, "--allow-origin", w.origins, "URL", "Let pages of this origin use the API (CORS)");
    repeated(sub, "--trusted-proxy", w.proxies, "ADDRESS",
             "Do not limit how often this address or network connects, because many users share it");
    repeated(sub, "--allow-egress", w.egress, "WHAT",
             "Let URLs that come over HTTP lead there: a host, an address, a network; http: without TLS");
    option(sub, "--log", w.log, "STYLE", "Lines for people or for programs (default: text)")
        ->transform(choice({"text", "json"}));
    option(sub, "--log-level", w.log_level, "LEVEL", "What is worth a line (default: info)")
        ->transform(choice({"debug", "info", "warn", "error", "off"}));
    option(sub, "--lease", w.lease, "DURATION",
           "After this time others take over from an instance that died (default: 15s)");
    option(sub, "--check", w.check, "DURATION", "How often a quiet server is asked whether it is there (default: 30s)");
    option(
        sub, "--on-data-loss", w.on_data_loss, "WHAT",
        "When the store loses records of connections that are managed here: write them again, or forget them (default: restore "
        "after another Redis answered, forget after FLUSHALL and eviction)")
        ->transform(choice({"restore", "forget"}));
    option(sub, "--name", w.name, "NAME",
           "What this instance is called among others, before a number of its own (default: host and process)");
    add_globals(sub);
  }

  void token() {
    auto& sub =
        add("token", operating, "Make a token with which one owner's connections can be seen and changed over HTTP",
            {"mcpstate token user:42 --token-file tokens.txt", "mcpstate token session:9fK --ttl 15m --json"}, minting);
    add_owner(sub, true);
    option(sub, "--ttl", args_.token_ttl, "DURATION", "How long it is good (default: 1h)");
    option(sub, "--token-file", args_.serve.token_file, "FILE",
           "Service tokens, the first one signs (default: $MCPSTATE_TOKEN, or the file $MCPSTATE_TOKEN_FILE)");
    add_json(sub);
  }

  void servers() {
    auto& sub = add("servers", operating, "List the servers that owners may connect to by name",
                    {"mcpstate servers --servers servers.json", "MCPSTATE_SERVERS=servers.json mcpstate servers --json"},
                    registering);
    option(sub, "--servers", args_.serve.servers_file, "FILE", "An mcpServers file (default: $MCPSTATE_SERVERS)");
    add_json(sub);
  }
};

}  // namespace

void describe_service_commands(CLI::App& root, arguments& args) { service_describer(root, args).describe_all(); }

}  // namespace mcpstate::cli
