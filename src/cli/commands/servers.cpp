// SPDX-License-Identifier: MIT
#include <algorithm>

#include "cli/commands/commands.hh"
#include "cli/commands/serve_options.hh"
#include "cli/view/json.hh"
#include "manager/servers/destination.hh"

namespace mcpstate::cli {

namespace {

using registry_pointer = std::shared_ptr<const server_registry>;

std::string server_json(const std::pair<const std::string, registered_server>& entry) {
  const auto& [name, one] = entry;
  object_writer out;
  out.text("name", name).text("transport", one.transport).text("where", one.shown).boolean("disabled", one.disabled);
  if (is_shared_program(one)) out.boolean("same_for_all_owners", true);
  if (!one.fault.empty()) out.text("error", one.fault);
  return out.str();
}

void print_servers(terminal& screen, const server_registry& servers) {
  table out({"SERVER", "TRANSPORT", "WHERE", "DISABLED"});
  for (const auto& [name, one] : servers.all()) {
    const cell disabled(one.disabled ? "disabled" : "-", one.disabled ? tone::warn : tone::dim);
    const cell where = one.fault.empty() ? cell(one.shown) : cell(one.fault, tone::bad);
    out.add({name, cell(one.transport, tone::dim), where, disabled});
  }
  if (out.empty()) return screen.line("no servers");
  screen.write(out);
}

asio::awaitable<int> show_servers(context& ctx, registry_pointer servers) {
  if (ctx.screen.json()) {
    ctx.screen.line(json_lines(servers->all(), server_json));
  } else {
    print_servers(ctx.screen, *servers);
  }
  for (const auto& remark : servers->remarks()) ctx.screen.note(remark);
  ctx.screen.note(shared_programs_text(*servers));
  const auto& all = servers->all();
  const bool sound = std::none_of(all.begin(), all.end(), [](const auto& entry) { return !entry.second.fault.empty(); });
  co_return sound ? exit_code::done : exit_code::no;
}

}  // namespace

result<command> make_servers(const arguments& args) {
  const auto env = process_environment();
  const auto path = flag_or_variable(args.serve.servers_file, "MCPSTATE_SERVERS", env);
  if (path.empty()) return error(errc::bad_argument, "name the file: --servers FILE, or MCPSTATE_SERVERS");
  auto servers = read_servers(path, env);
  if (!servers) return servers.error();
  return command([servers = registry_pointer(std::move(*servers))](context& ctx) { return show_servers(ctx, servers); });
}

}  // namespace mcpstate::cli
