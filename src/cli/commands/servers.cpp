// SPDX-License-Identifier: MIT
#include "cli/commands/serve_options.hh"
#include "cli/commands/table.hh"
#include "core/json/text.hh"

namespace mcpstate::cli {

namespace {

using registry_pointer = std::shared_ptr<const server_registry>;

void print_json(terminal& screen, const server_registry& servers) {
  std::string out = "[";
  for (const auto& [name, one] : servers.all()) {
    out += out.size() == 1 ? "\n{" : ",\n{";
    json_members members(out);
    members.text("name", name);
    members.text("transport", one.transport);
    members.text("where", one.shown);
    members.raw("disabled", one.disabled ? "true" : "false");
    out += "}";
  }
  screen.write(out + (out.size() == 1 ? "]\n" : "\n]\n"));
}

void print_table(terminal& screen, const server_registry& servers) {
  table out({"SERVER", "TRANSPORT", "WHERE", "DISABLED"});
  for (const auto& [name, one] : servers.all()) {
    std::vector<cell> row;
    row.emplace_back(name);
    row.emplace_back(one.transport, tone::dim);
    row.emplace_back(one.shown);
    row.emplace_back(one.disabled ? "disabled" : "-", one.disabled ? tone::warn : tone::dim);
    out.add(std::move(row));
  }
  if (out.empty()) return screen.line("no servers");
  screen.write(out);
}

asio::awaitable<int> show_servers(context& ctx, registry_pointer servers) {
  if (ctx.screen.json()) {
    print_json(ctx.screen, *servers);
  } else {
    print_table(ctx.screen, *servers);
  }
  for (const auto& remark : servers->remarks()) ctx.screen.note(remark);
  co_return exits::done;
}

}  // namespace

result<command> make_servers(const arguments& args) {
  const auto around = process_surroundings();
  const auto path = args.serve.servers_file.empty() ? around.variable("MCPSTATE_SERVERS").value_or(std::string())
                                                    : args.serve.servers_file;
  if (path.empty()) return error(errc::bad_argument, "name the file: --servers FILE, or MCPSTATE_SERVERS");
  auto servers = read_servers(path, around);
  if (!servers) return servers.error();
  command out;
  out.run = [servers = registry_pointer(std::move(*servers))](context& ctx) { return show_servers(ctx, servers); };
  return out;
}

}  // namespace mcpstate::cli
