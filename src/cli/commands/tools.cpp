// SPDX-License-Identifier: MIT
#include "cli/commands/commands.hh"
#include "cli/view/json.hh"
#include "cli/view/record_view.hh"
#include "cli/view/table.hh"
#include "cli/view/tools_view.hh"
#include "cli/words/selection.hh"

namespace mcpstate::cli {

namespace {

error no_tools(const connection& c) {
  return error(errc::no_record, "no tools are stored for " + connection_label(c.owner, c.server) + ", which is " +
                                    std::string(to_text(c.state)));
}

int print_tools(context& ctx, const std::vector<connection>& records) {
  table out({"SERVER", "TOOL", "DESCRIPTION"});
  for (const auto& c : records) {
    if (!c.tools) continue;
    const auto tools = parse_tool_lines(*c.tools);
    if (!tools) {
      return ctx.fail(error(tools.error().code(), connection_label(c.owner, c.server) + ": " + tools.error().detail()));
    }
    for (const auto& tool : *tools) {
      out.add({cell(c.server, tone::dim), tool.name, cell(tool.description, tone::dim)});
    }
  }
  if (out.empty()) {
    ctx.screen.line("no tools");
  } else {
    ctx.screen.write(out);
  }
  return exit_code::done;
}

int print_json(context& ctx, const std::vector<connection>& records) {
  std::vector<std::string> lines;
  for (const auto& c : records) {
    if (!c.tools || !is_tool_list(*c.tools)) continue;  // junk must not break the array around it
    object_writer out;
    out.text("server", c.server);
    if (c.state) out.text("status", to_text(*c.state));
    lines.push_back(out.raw("tools", *c.tools).str());
  }
  ctx.screen.line(json_lines(lines));
  return exit_code::done;
}

asio::awaitable<int> list_server_tools(context& ctx, selection target) {
  const auto got = co_await ctx.store->get(target.owner, *target.server, tools_wanted::yes);
  if (!got) co_return ctx.fail(got.error());
  if (!*got) {
    co_return ctx.fail(
        error(errc::no_record, "no connection of " + target.owner.text() + " is named '" + target.server->text() + "'"));
  }
  const connection& record = **got;
  if (!record.tools) co_return ctx.fail(no_tools(record));
  if (!ctx.screen.json()) {
    const std::vector<connection> one(1, record);
    co_return print_tools(ctx, one);
  }
  if (!is_tool_list(*record.tools)) {
    co_return ctx.fail(error(errc::junk_record, "what is stored as tools of " +
                                                    connection_label(record.owner, record.server) +
                                                    " is no list of tools; mcpstate doctor says more"));
  }
  // The stored bytes and nothing else, so that what arrives in a file has the stored hash.
  ctx.screen.write(*record.tools);
  if (ctx.screen.out_is_terminal()) ctx.screen.write("\n");
  co_return exit_code::done;
}

asio::awaitable<int> list_owner_tools(context& ctx, owner account) {
  const auto got = co_await ctx.store->list(account, tools_wanted::yes);
  if (!got) co_return ctx.fail(got.error());
  co_return ctx.screen.json() ? print_json(ctx, (*got)->records()) : print_tools(ctx, (*got)->records());
}

}  // namespace

result<command> make_tools(const arguments& args) {
  if (args.refresh) return make_refresh(args);
  const bool files = !args.header_file.empty() || !args.env_file.empty();
  const bool reaches = files || !args.headers.empty() || !args.env.empty() || !args.cwd.empty() || !args.protocol.empty();
  if (reaches || args.allow_empty) {
    return error(errc::bad_argument, "--header, --env, --cwd, --protocol and --allow-empty go with --refresh");
  }
  const auto target = parse_selection(args);
  if (!target) return target.error();
  if (target->server) return reading_command([target = *target](context& ctx) { return list_server_tools(ctx, target); });
  return reading_command([owner = target->owner](context& ctx) { return list_owner_tools(ctx, owner); });
}

}  // namespace mcpstate::cli
