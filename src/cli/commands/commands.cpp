// SPDX-License-Identifier: MIT
#include "cli/commands/commands.hh"

namespace mcpstate::cli {

namespace {

struct entry {
  const char* name;
  result<command> (*make)(const arguments&);
  bool uses_store = true;
};

// clang-format off
constexpr entry entries[] = {
    {"list", make_list}, {"show", make_show}, {"tools", make_tools}, {"stats", make_stats}, {"watch", make_watch},
    {"connect", make_connect}, {"call", make_call}, {"disconnect", make_disconnect}, {"set", make_set}, {"touch", make_touch},
    {"claim", make_claim}, {"clear", make_clear}, {"doctor", make_doctor}, {"backup", make_backup}, {"restore", make_restore},
    {"serve", make_serve},
    {"probe", make_probe, false}, {"token", make_token, false}, {"servers", make_servers, false}};
// clang-format on

const entry* find_entry(const std::string& name) noexcept {
  for (const auto& each : entries) {
    if (name == each.name) return &each;
  }
  return nullptr;
}

}  // namespace

result<command> make_command(const arguments& args) {
  const auto* found = find_entry(args.command);
  if (found != nullptr) return found->make(args);
  return error(errc::bad_argument, "no command is named '" + args.command + "'");
}

bool uses_store(const std::string& command) noexcept {
  const auto* found = find_entry(command);
  return found == nullptr || found->uses_store;
}

}  // namespace mcpstate::cli
