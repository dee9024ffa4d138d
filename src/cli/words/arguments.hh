// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// The command line, read but not yet judged: what each word means is decided by the commands.
namespace mcpstate::cli {

// Options that every command has.
struct global_flags {
  std::string store;  // --store, --url
  std::string ttl, layout, timeout, owner_bytes, durable;
  std::string prefix = "mcp";
  std::string ca_file, cert_file, key_file, password_file;
  bool insecure_tls = false;
  bool json = false;
};

// serve, token, servers
struct serve_words {
  std::vector<std::string> listen, hosts, origins, egress, proxies;
  std::string servers_file, token_file, log = "text", log_level = "info", lease, check, name, on_data_loss;
};

// All words of all commands; a command reads its own.
struct arguments {
  std::string command;
  global_flags global;
  std::optional<std::string> owner, server;  // absent when not said: an empty one is an error
  // connect, probe, call, tools --refresh
  std::optional<std::string> url;
  std::vector<std::string> program;  // what follows "--"
  std::vector<std::string> headers, env;
  std::string header_file, env_file;
  std::string cwd, protocol;
  std::string wait;                       // --timeout of connect, probe, call and watch
  bool refresh = false;                   // tools
  std::string tool;                       // call
  std::optional<std::string> tool_input;  // call
  bool allow_empty = false;
  bool take_over = false;                    // connect, set
  bool with_tools = false;                   // list
  std::string status, tools_file, reason;    // set
  std::optional<std::uint64_t> if_revision;  // set
  std::string session, user;                 // claim
  bool all = false, yes = false;             // clear
  std::uint64_t count = 0;                   // watch
  bool fix = false, acl = false;             // doctor
  std::string file, expiry = "remaining";    // backup, restore
  std::vector<std::string> owners;
  bool dry_run = false, replace = false, resume = false;
  std::string to_store, to_prefix, to_layout;  // migrate
  bool follow = false, finish = false;
  std::string shell;      // completion
  std::string token_ttl;  // token
  serve_words serve;
};

}  // namespace mcpstate::cli
