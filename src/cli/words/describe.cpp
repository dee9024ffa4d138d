// SPDX-License-Identifier: MIT
#include "cli/words/describe.hh"

#include "cli/words/describe_service.hh"
#include "cli/words/describer.hh"
#include "cli/words/version.hh"

namespace mcpstate::cli {

namespace {

constexpr const char* calling =
    R"(A server with a URL is reached at the URL of its record; a program is started with the COMMAND, which is never stored.
A call that arrives renews the record's expiry. No call changes its status: mcpstate connect does.
A tool that asks for something is answered by you, if this is a terminal. Ctrl-C cancels the call.
Exit codes: 0 the tool's answer, 1 it failed, or was not reached. With --json: the raw result.
)";
constexpr const char* refreshing =
    R"(With --refresh, a server that does not answer changes nothing: the record and its tools stay. One that answers is
CONNECTED. Without a SERVER, all that have a URL are asked.
)";
constexpr const char* probing =
    R"(No store is needed. Exit codes: 0 a client can work with it, 1 none can. docs/mcp.md explains the JSON.
)";

constexpr const char* watching = R"(With --json, each line is {"event":…} with one of these names:
  present  "connection" is a record as it is: of the snapshot at first, then new or changed
  ready    the snapshot is complete; once
  removed  the record of "owner" and "server" is gone: cleared, claimed or expired
  resync   the link to the store was lost; the changes since then follow, perhaps merged
)";
constexpr const char* backing_up =
    R"(The file appears under its name when it is whole, for you alone to read: tools may be private. Leases and credentials
are not in it. Exit codes: 0 all is in it, 1 some records could not be read (they are named).
)";
constexpr const char* restoring =
    R"(A file is checked to its end before anything is written. It may be stopped and repeated: what is there stays.
Exit codes: 0 all is there, 1 some records could not be restored (they are named), 2 the file is damaged or no backup.
)";
constexpr const char* migrating =
    R"(May be stopped anywhere and repeated: what is there already is left. To move while programs write: run it with --follow;
when it says that all is copied, stop the writers, end it with Ctrl-C, run it with --finish, and start them with the new URL.
Leases are not copied: instances that start on the new store manage what waits there. The first store stays as it is.
Exit codes: 0 all is there, 1 some records cannot be copied or differ (they are named).
)";
constexpr const char* basics =
    R"(OWNER is user:ID or session:KEY. The store is --store, else $REDIS_URL, else REDIS_URL in ./.env,
else one SQLite file in the state directory.
Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 the store cannot be reached.
An OWNER without connections is nothing wrong (0); a SERVER that is named and not there is (1).
mcpstate COMMAND --help shows a command's options and examples.)";
// One rule for all commands that take an OWNER and perhaps a SERVER.
constexpr const char* missing =
    R"(An OWNER without connections is nothing wrong: exit code 0. A SERVER that is named and not there is 1.
)";

class command_describer : describer {
 public:
  command_describer(CLI::App& root, arguments& args) : describer(root, args) {}
  void describe_all() {
    add_globals(root_);
    root_.set_version_flag("--version", std::string("mcpstate ") + version_text(), "Print the version and end");
    list();
    show();
    tools();
    watch();
    connect();
    call();
    disconnect();
    set();
    touch();
    claim();
    clear();
    probe();
    stats();
    doctor();
    backup();
    restore();
    migrate();
    describe_service_commands(root_, args_);
    completion();
    add_json(add("version", operating, "Print the version", {"mcpstate version", "mcpstate version --json"}));
    last_one_wins(root_);
    for (auto* sub : root_.get_subcommands({})) last_one_wins(*sub);
  }

 private:
  // How a server is reached; all but --timeout, which means something else to each command.
  void reach(CLI::App& sub) {
    repeated(sub, "--header", args_.headers, "'NAME: VALUE'",
             "Send this header to the URL; may be repeated; ${VARIABLE} stands for one of the environment");
    option(sub, "--header-file", args_.header_file, "FILE", "Send the headers in this file, one a line; -: standard input");
    repeated(sub, "--env", args_.env, "NAME=VALUE",
             "Set this variable for the COMMAND; may be repeated; ${VARIABLE} stands for one of the environment");
    option(sub, "--env-file", args_.env_file, "FILE", "Set the variables in this .env file; -: standard input");
    option(sub, "--cwd", args_.cwd, "DIR", "Start the COMMAND in this directory");
    option(sub, "--protocol", args_.protocol, "PROTOCOL",
           "What the server speaks: modern is 2026-07-28, legacy what came before, sse HTTP+SSE (default: auto)")
        ->transform(choice({"auto", "modern", "legacy", "sse"}));
  }

  CLI::Option* url_or_command(CLI::App& sub) {
    return positional(sub, "URL", args_.url, "http:// or https://; or else: -- COMMAND ARGUMENT…");
  }

  void call() {
    auto& sub = add(
        "call", writing, "Call a tool of a connected server and print what it answers",
        {"mcpstate call user:42 github search_issues '{\"query\":\"is:open\"}' --header 'Authorization: Bearer ${GITHUB_TOKEN}'",
         "mcpstate call user:42 files list_directory '{\"path\":\"/tmp\"}' -- npx -y @modelcontextprotocol/server-filesystem /tmp",
         "mcpstate call user:42 github create_issue - --json < issue.json"},
        calling);
    add_owner(sub, true);
    add_server(sub, true);
    positional(sub, "TOOL", args_.tool, "The name of the tool")->required();
    positional(sub, "JSON", args_.tool_input, "Its arguments, a JSON object; - is standard input (default: {})");
    reach(sub);
    option(sub, "--timeout", args_.wait, "DURATION",
           "How long the tool may go without an answer or a sign of progress (default: 60s)");
    add_globals(sub, true);
  }

  void probe() {
    auto& sub = add("probe", operating, "Find out what an MCP server is and does, and what is wrong with it",
                    {"mcpstate probe https://api.githubcopilot.com/mcp/ --header 'Authorization: Bearer ${GITHUB_TOKEN}'",
                     "mcpstate probe -- npx -y @modelcontextprotocol/server-filesystem /tmp",
                     "mcpstate probe http://localhost:3001/mcp --json > report.json"},
                    probing);
    url_or_command(sub);
    reach(sub);
    option(sub, "--timeout", args_.wait, "DURATION", "How long connecting may take, and listing the tools (default: 30s)");
    add_ca_file(sub);
    add_json(sub);
  }

  void connect() {
    auto& sub = add(
        "connect", writing, "Connect to an MCP server, list its tools and record what came of it",
        {"mcpstate connect user:42 github https://api.githubcopilot.com/mcp/ --header 'Authorization: Bearer ${GITHUB_TOKEN}'",
         "mcpstate connect user:42 files -- npx -y @modelcontextprotocol/server-filesystem /tmp",
         "mcpstate connect session:9fK files --env DEBUG=1 --cwd /srv -- python3 server.py"});
    add_owner(sub, true);
    add_server(sub, true);
    url_or_command(sub);
    reach(sub);
    option(sub, "--timeout", args_.wait, "DURATION",
           "How long connecting may take (default: 30s), and then listing the tools (60s)");
    sub.add_flag("--allow-empty", args_.allow_empty, "Let an empty list of tools replace a good one");
    sub.add_flag("--take-over", args_.take_over,
                 "Also where mcpstate itself manages the connection: it no longer does then");
    add_globals(sub, true);
  }

  void disconnect() {
    auto& sub = add("disconnect", writing, "Mark one connection, or all of an owner, DISCONNECTED and drop the tools",
                    {"mcpstate disconnect user:42 github", "mcpstate disconnect user:42"}, missing);
    add_owner(sub, true);
    add_server(sub, false);
    add_globals(sub);
  }

  void list() {
    auto& sub = add("list", reading, "List an owner's connections, or all owners",
                    {"mcpstate list", "mcpstate list user:42", "mcpstate list user:42 --tools --json"}, missing);
    add_owner(sub, false);
    sub.add_flag("--tools", args_.with_tools, "With --json: the tools too");
    add_globals(sub);
  }

  void show() {
    auto& sub = add("show", reading, "Show what is known about one connection",
                    {"mcpstate show user:42 github", "mcpstate show user:42 github --json"});
    add_owner(sub, true);
    add_server(sub, true);
    add_globals(sub);
  }

  void tools() {
    auto& sub = add("tools", reading, "List the tools that an owner's servers offer",
                    {"mcpstate tools user:42", "mcpstate tools user:42 github",
                     "mcpstate tools user:42 github --json > tools.json   # the stored array, byte for byte",
                     "mcpstate tools user:42 github --refresh --header 'Authorization: Bearer ${GITHUB_TOKEN}'",
                     "mcpstate tools user:42 files --refresh -- npx -y @modelcontextprotocol/server-filesystem /tmp"},
                    std::string(refreshing) + missing);
    add_owner(sub, true);
    add_server(sub, false);
    sub.add_flag("--refresh", args_.refresh, "Ask the server for its tools, record them, and print what has changed");
    reach(sub);
    sub.add_flag("--allow-empty", args_.allow_empty, "With --refresh: let an empty list replace a good one");
    option(sub, "--timeout", args_.global.timeout, "DURATION",
           "How long one operation of the store may take (default: 5s); with --refresh, connecting (default: 30s)");
    add_globals(sub, true);
  }

  void set() {
    auto& sub = add("set", writing, "Record what the host found out itself",
                    {"mcpstate set user:42 github CONNECTED --tools tools.json",
                     "mcpstate set user:42 github FAILED --reason 'the token has expired'",
                     "mcpstate set user:42 github DISCONNECTED --if-revision 1790000000000000"});
    add_owner(sub, true);
    add_server(sub, true);
    positional(sub, "STATUS", args_.status, "CONNECTED, DISCONNECTED, FAILED, CONNECTING or AUTH_REQUIRED")
        ->required()
        ->transform(choice({"CONNECTED", "DISCONNECTED", "FAILED", "CONNECTING", "AUTH_REQUIRED"}));
    option(sub, "--tools", args_.tools_file, "FILE", "The JSON array of tools; - is standard input");
    option(sub, "--reason", args_.reason, "TEXT", "Why, for FAILED and AUTH_REQUIRED");
    sub.add_flag("--allow-empty", args_.allow_empty, "Let an empty list of tools replace a good one");
    sub.add_flag("--take-over", args_.take_over,
                 "Also where mcpstate itself manages the connection: it no longer does then");
    option(sub, "--if-revision", args_.if_revision, "N",
           "Only if the record still has this revision; 0: only if there is none")
        ->check(digits());
    add_globals(sub);
  }

  void touch() {
    auto& sub = add("touch", writing, "Renew the expiry of one connection, or of all of an owner",
                    {"mcpstate touch user:42", "mcpstate touch user:42 github --ttl 7d"}, missing);
    add_owner(sub, true);
    add_server(sub, false);
    add_globals(sub);
  }

  void claim() {
    auto& sub = add("claim", writing, "Move everything an anonymous session holds to a user, at sign-in",
                    {"mcpstate claim session:9fK user:42", "mcpstate claim session:9fK user:42 --json"});
    positional(sub, "SESSION", args_.session, "session:KEY")->required();
    positional(sub, "USER", args_.user, "user:ID")->required();
    add_globals(sub);
  }

  void clear() {
    auto& sub = add("clear", operating, "Remove everything of an owner, or of all owners, without a trace",
                    {"mcpstate clear session:9fK", "mcpstate clear user:42 --yes", "mcpstate clear --all --yes"}, missing);
    add_owner(sub, false);
    sub.add_flag("--all", args_.all, "Every owner of this store (of this prefix, in Redis)");
    sub.add_flag("--yes,-y", args_.yes, "Do not ask");
    add_globals(sub);
  }

  void watch() {
    auto& sub =
        add("watch", reading, "Show every change as it happens, whoever makes it, until Ctrl-C",
            {"mcpstate watch", "mcpstate watch user:42", "mcpstate watch user:42 --json --count 1 --timeout 60s"}, watching);
    add_owner(sub, false);
    option(sub, "--count", args_.count, "N", "End after this many changes; what is there at the start does not count")
        ->check(digits());
    option(sub, "--timeout", args_.wait, "DURATION", "End after this time; exit code 1 if --count was not reached");
    add_globals(sub, true);
  }

  void stats() {
    auto& sub = add("stats", operating, "Count owners, connections and bytes", {"mcpstate stats", "mcpstate stats --json"});
    add_globals(sub);
  }

  void doctor() {
    auto& sub = add("doctor", operating, "Check the store, and every record against every invariant",
                    {"mcpstate doctor", "mcpstate doctor --fix", "mcpstate doctor --store redis://localhost:6379/0 --json",
                     "mcpstate doctor --acl --store redis://localhost:6379/0"});
    sub.add_flag("--fix", args_.fix, "Repair what can be repaired without losing anything, and report what is left");
    sub.add_flag("--acl", args_.acl, "Print the least rights of a Redis user that works, and end");
    option(sub, "--servers", args_.serve.servers_file, "FILE",
           "Also say what owners share by way of this mcpServers file (default: $MCPSTATE_SERVERS)");
    add_globals(sub);
  }

  void backup() {
    auto& sub = add("backup", operating, "Write all records down in a file, while others go on using the store",
                    {"mcpstate backup state.backup", "mcpstate backup - | ssh elsewhere 'cat > state.backup'",
                     "mcpstate backup one.backup --owner user:42"},
                    backing_up);
    positional(sub, "FILE", args_.file, "The file to write; - is standard output")->required();
    repeated(sub, "--owner", args_.owners, "OWNER", "Only this owner; may be repeated");
    add_globals(sub);
  }

  void restore() {
    auto& sub = add("restore", operating, "Write the records of a backup into a store, of any kind",
                    {"mcpstate restore state.backup --dry-run", "mcpstate restore state.backup --store redis://localhost/0",
                     "mcpstate restore state.backup --owner user:42 --replace"},
                    restoring);
    positional(sub, "FILE", args_.file, "The file that backup wrote; - is standard input")->required();
    sub.add_flag("--dry-run", args_.dry_run, "Write nothing; say what would be written");
    sub.add_flag("--replace", args_.replace,
                 "Write over records that are there; without it only what is absent or has a lower revision is written");
    sub.add_flag("--resume", args_.resume, "Look first and send only what is not there: a stopped restore goes on faster");
    repeated(sub, "--owner", args_.owners, "OWNER", "Only this owner; may be repeated");
    option(
        sub, "--expiry", args_.expiry, "WHEN",
        "When records expire: remaining (as long from now on as was left when the backup was made), or absolute (the very "
        "time; default: remaining)")
        ->transform(choice({"remaining", "absolute"}));
    add_globals(sub);
  }

  void migrate() {
    auto& sub = add("migrate", operating, "Copy all records into another store, while others go on using this one",
                    {"mcpstate migrate --from sqlite: --to redis://localhost:6379/0 --dry-run",
                     "mcpstate migrate --from redis://old:6379/0 --to redis://new:6379/0 --follow",
                     "mcpstate migrate --from redis://old:6379/0 --to redis://new:6379/0 --finish"},
                    migrating);
    option(sub, "--from", args_.global.store, "URL", "The store to copy from; the same as --store")->group("Store");
    option(sub, "--to", args_.to_store, "URL", "The store to copy to")->required();
    option(sub, "--to-prefix", args_.to_prefix, "TEXT", "What its Redis keys begin with (default: --prefix)");
    option(sub, "--to-layout", args_.to_layout, "LAYOUT", "Its Redis keys: plain or tagged (default: --layout)")
        ->transform(choice({"plain", "tagged"}));
    repeated(sub, "--owner", args_.owners, "OWNER", "Only this owner; may be repeated");
    sub.add_flag("--dry-run", args_.dry_run, "Write nothing; say what would be written");
    sub.add_flag("--follow", args_.follow, "Then go on with every change, until Ctrl-C");
    sub.add_flag(
        "--finish", args_.finish,
        "Also remove what the first store does not have, and check that both are equal; nobody may write meanwhile");
    add_globals(sub);
  }

  void completion() {
    auto& sub = add("completion", operating, "Print the script that completes our commands in a shell",
                    {"source <(mcpstate completion bash)", "mcpstate completion zsh > \"${fpath[1]}/_mcpstate\""});
    positional(sub, "SHELL", args_.shell, "bash or zsh")->required()->transform(choice({"bash", "zsh"}));
  }
};

}  // namespace

void describe(CLI::App& app, arguments& args) {
  app.name("mcpstate");
  app.description("Which MCP servers every user and session is connected to, stored where all workers see it.");
  app.footer(basics);
  app.set_help_flag("-h,--help", "Print this help and end");
  app.require_subcommand(1);
  command_describer(app, args).describe_all();
}

}  // namespace mcpstate::cli
