// SPDX-License-Identifier: MIT
#include "cli/commands/table.hh"
#include "cli/view/text.hh"
#include "cli/view/tools_view.hh"
#include "core/json/text.hh"

namespace mcpstate::cli {

namespace {

error no_tools(const connection& c) {
  return error(errc::no_record,
               "no tools are stored for " + label(c.whose, c.server) + ", which is " + std::string(to_text(c.state)));
}

void add_rows(table& out, const connection& c, const std::vector<tool_line>& tools) {
  for (const auto& t : tools) {
    std::vector<cell> row;
    row.emplace_back(c.server, tone::dim);
    row.emplace_back(t.name);
    row.emplace_back(t.about, tone::dim);
    out.add(std::move(row));
  }
}

int print_table(context& ctx, const std::vector<connection>& records) {
  table out({"SERVER", "TOOL", "DESCRIPTION"});
  for (const auto& c : records) {
    if (!c.tools) continue;
    const auto tools = tools_in(*c.tools);
    if (!tools) return ctx.fail(error(tools.error().code(), label(c.whose, c.server) + ": " + tools.error().detail()));
    add_rows(out, c, *tools);
  }
  if (out.empty()) {
    ctx.screen.line("no tools");
  } else {
    ctx.screen.write(out);
  }
  return exits::done;
}

// What is stored may be junk that a foreign program wrote: that must not break the array around it.
bool is_list(const connection& c) { return check_json(*c.tools, json_shape::array, 512).ok; }

int print_json(context& ctx, const std::vector<connection>& records) {
  std::string out = "[";
  for (const auto& c : records) {
    if (!c.tools || !is_list(c)) continue;
    out += out.size() == 1 ? "\n{" : ",\n{";
    json_members members(out);
    members.text("server", c.server);
    members.text("status", to_text(c.state));
    members.raw("tools", *c.tools);
    out += "}";
  }
  ctx.screen.write(out + (out.size() == 1 ? "]\n" : "\n]\n"));
  return exits::done;
}

asio::awaitable<int> tools_of_one(context& ctx, names which) {
  const auto got = co_await ctx.store->get(which.whose, *which.server, tools_wanted::yes);
  if (!got) co_return ctx.fail(got.error());
  if (!*got) {
    co_return ctx.fail(
        error(errc::no_record, "no connection of " + which.whose.text() + " is named '" + which.server->text() + "'"));
  }
  const connection& record = **got;
  if (!record.tools) co_return ctx.fail(no_tools(record));
  if (!ctx.screen.json()) {
    const std::vector<connection> one(1, record);
    co_return print_table(ctx, one);
  }
  // The stored bytes and nothing else, so that what arrives in a file has the stored hash.
  ctx.screen.write(*record.tools);
  if (ctx.screen.out_is_terminal()) ctx.screen.write("\n");
  co_return exits::done;
}

asio::awaitable<int> tools_of_all(context& ctx, owner who) {
  const auto got = co_await ctx.store->list(who, tools_wanted::yes);
  if (!got) co_return ctx.fail(got.error());
  co_return ctx.screen.json() ? print_json(ctx, *got) : print_table(ctx, *got);
}

}  // namespace

result<command> make_tools(const arguments& args) {
  if (args.refresh) return make_refresh(args);
  const bool reaches = !args.headers.empty() || !args.env.empty() || !args.cwd.empty() || !args.protocol.empty();
  if (reaches || args.allow_empty) {
    return error(errc::bad_argument, "--header, --env, --cwd, --protocol and --allow-empty go with --refresh");
  }
  const auto which = names_of(args);
  if (!which) return which.error();
  command out;
  if (which->server) {
    out.run = [which = *which](context& ctx) { return tools_of_one(ctx, which); };
  } else {
    out.run = [who = which->whose](context& ctx) { return tools_of_all(ctx, who); };
  }
  return out;
}

}  // namespace mcpstate::cli
