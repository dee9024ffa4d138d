// SPDX-License-Identifier: MIT
// list, show, tools, stats.
#include <map>

#include "cli/commands/table.hh"
#include "cli/view/record_view.hh"
#include "cli/view/text.hh"
#include "core/json/text.hh"

namespace mcpstate::cli {

namespace {

timestamp now_of(const context& ctx) { return ctx.config.options.clock->now(); }

asio::awaitable<int> list_owner(context& ctx, owner who, tools_wanted want) {
  const auto found = co_await ctx.store->list(who, want);
  if (!found) co_return ctx.fail(found.error());
  if (ctx.screen.json()) {
    ctx.screen.write(json_of(*found));
  } else if (found->empty()) {
    ctx.screen.line(shown(who.text()) + " has no connections");
  } else {
    ctx.screen.write(table_of(*found, now_of(ctx)));
  }
  co_return exits::done;
}

using owners_by_name = std::map<owner, owner_summary>;

std::string json_of_owners(const owners_by_name& owners) {
  std::string out = "[";
  for (const auto& [who, summary] : owners) {
    out += out.size() == 1 ? "\n{" : ",\n{";
    json_members members(out);
    members.text("owner", who.text());
    members.number("connections", summary.connected);
    members.number("records", summary.records);
    if (summary.expires_at) members.text("expires_at", to_iso8601(*summary.expires_at));
    out += "}";
  }
  return out + (owners.empty() ? "]\n" : "\n]\n");
}

table table_of_owners(const owners_by_name& owners, timestamp now) {
  table out({"OWNER", "CONNECTED", "RECORDS", "EXPIRES"});
  for (const auto& [who, summary] : owners) {
    std::vector<cell> row;
    row.emplace_back(who.text());
    row.emplace_back(std::to_string(summary.connected), summary.connected > 0 ? tone::good : tone::dim);
    row.emplace_back(std::to_string(summary.records));
    row.emplace_back(relative_time(summary.expires_at, now));
    out.add(std::move(row));
  }
  return out;
}

asio::awaitable<int> list_owners(context& ctx) {
  owners_by_name owners;  // a page may repeat an owner of an earlier one
  std::string cursor;
  do {
    auto page = co_await ctx.store->scan(cursor);
    if (!page) co_return ctx.fail(page.error());
    for (auto& o : page->owners) owners.insert_or_assign(o.whose, o);
    cursor = page->cursor;
    ctx.screen.progress("reading… " + counted(owners.size(), "owner"));
  } while (!cursor.empty());
  if (ctx.screen.json()) {
    ctx.screen.write(json_of_owners(owners));
  } else if (owners.empty()) {
    ctx.screen.line("nobody has a connection here");
  } else {
    ctx.screen.write(table_of_owners(owners, now_of(ctx)));
  }
  co_return exits::done;
}

error no_record(const owner& who, const std::string& server) {
  return error(errc::no_record, "no connection of " + who.text() + " is named '" + server + "'; mcpstate list " +
                                    who.text() + " shows what there is");
}

asio::awaitable<int> show_record(context& ctx, names which) {
  const auto found = co_await ctx.store->get(which.whose, *which.server, tools_wanted::no);
  if (!found) co_return ctx.fail(found.error());
  if (!*found) co_return ctx.fail(no_record(which.whose, which.server->text()));
  ctx.screen.write(ctx.screen.json() ? to_json(**found) + "\n" : sheet_of(**found, now_of(ctx), ctx.screen.colour()));
  co_return exits::done;
}

std::string text_of(const store_stats& s) {
  std::string out;
  const auto fact = [&out](const std::string& name, const std::string& value) {
    out += name + std::string(14 - name.size(), ' ') + shown(value) + "\n";
  };
  fact("store", s.kind + (s.version.empty() ? "" : " " + s.version) + (s.where.empty() ? "" : ", " + s.where));
  fact("users", std::to_string(s.users));
  fact("sessions", std::to_string(s.sessions));
  fact("connected", std::to_string(s.connected));
  fact("disconnected", std::to_string(s.disconnected));
  fact("failed", std::to_string(s.failed));
  fact("tools", bytes_text(s.tools_bytes));
  if (s.memory_bytes) fact("used in all", bytes_text(*s.memory_bytes));
  return out;
}

std::string json_of(const store_stats& s) {
  std::string out = "{";
  json_members members(out);
  members.text("kind", s.kind);
  members.text("where", s.where);
  members.text("version", s.version);
  members.number("users", s.users);
  members.number("sessions", s.sessions);
  members.number("connected", s.connected);
  members.number("disconnected", s.disconnected);
  members.number("failed", s.failed);
  members.number("tools_bytes", s.tools_bytes);
  if (s.memory_bytes) members.number("memory_bytes", *s.memory_bytes);
  return out + "}\n";
}

asio::awaitable<int> show_stats(context& ctx) {
  progress_handler progress = [&screen = ctx.screen](std::uint64_t done, std::string_view what) {
    screen.progress("counting… " + std::to_string(done) + " " + std::string(what));
  };
  const auto got = co_await ctx.store->stats(std::move(progress));
  if (!got) co_return ctx.fail(got.error());
  ctx.screen.write(ctx.screen.json() ? json_of(*got) : text_of(*got));
  co_return exits::done;
}

}  // namespace

result<command> make_list(const arguments& args) {
  command out;
  const auto want = args.with_tools ? tools_wanted::yes : tools_wanted::no;
  if (args.with_tools && !args.global.json)
    return error(errc::bad_argument, "list --tools needs --json; see also mcpstate tools");
  if (!args.owner) {
    if (args.with_tools) return error(errc::bad_argument, "list --tools needs an OWNER");
    out.run = [](context& ctx) { return list_owners(ctx); };
    return out;
  }
  const auto which = names_of(args);
  if (!which) return which.error();
  out.run = [who = which->whose, want](context& ctx) { return list_owner(ctx, who, want); };
  return out;
}

result<command> make_show(const arguments& args) {
  const auto which = names_of(args);
  if (!which) return which.error();
  command out;
  out.run = [which = *which](context& ctx) { return show_record(ctx, which); };
  return out;
}

result<command> make_stats(const arguments&) {
  command out;
  out.run = [](context& ctx) { return show_stats(ctx); };
  return out;
}

}  // namespace mcpstate::cli
