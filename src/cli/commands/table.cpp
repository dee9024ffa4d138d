// SPDX-License-Identifier: MIT
#include "cli/commands/table.hh"

#include <array>

#include "core/json/text.hh"

namespace mcpstate::cli {

namespace {

struct entry {
  const char* name;
  result<command> (*make)(const arguments&);
};

constexpr std::array<entry, 17> entries{{{"list", make_list},
                                         {"show", make_show},
                                         {"tools", make_tools},
                                         {"stats", make_stats},
                                         {"watch", make_watch},
                                         {"connect", make_connect},
                                         {"call", make_call},
                                         {"probe", make_probe},
                                         {"disconnect", make_disconnect},
                                         {"set", make_set},
                                         {"touch", make_touch},
                                         {"claim", make_claim},
                                         {"clear", make_clear},
                                         {"doctor", make_doctor},
                                         {"serve", make_serve},
                                         {"token", make_token},
                                         {"servers", make_servers}}};

}  // namespace

result<command> make_command(const arguments& args) {
  for (const auto& e : entries) {
    if (args.command == e.name) return e.make(args);
  }
  return error(errc::bad_argument, "no command is named '" + args.command + "'");
}

bool uses_store(const std::string& command) noexcept {
  return command != "probe" && command != "token" && command != "servers";
}

result<names> names_of(const arguments& args) {
  auto who = owner::parse(args.owner.value_or(std::string()));
  if (!who) return who.error();
  names out(std::move(*who));
  if (!args.server) return out;
  auto server = server_name::parse(*args.server);
  if (!server) return server.error();
  out.server = std::move(*server);
  return out;
}

std::string label(const owner& who, const std::string& server) { return who.text() + " " + server; }

}  // namespace mcpstate::cli
