// SPDX-License-Identifier: MIT
// list, show, stats.
#include <map>

#include "cli/commands/commands.hh"
#include "cli/view/json.hh"
#include "cli/view/record_view.hh"
#include "cli/view/text.hh"
#include "cli/words/selection.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

timestamp current_time(const context& ctx) { return ctx.config.options.clock->now(); }

asio::awaitable<int> list_owner(context& ctx, owner who, tools_wanted want) {
  const auto found = co_await ctx.store->list(who, want);
  if (!found) co_return ctx.fail(found.error());
  if (ctx.screen.json()) {
    ctx.screen.line(json_lines((*found)->records(), to_json));
  } else if ((*found)->empty()) {
    ctx.screen.line(printable(who.text()) + " has no connections");
  } else {
    ctx.screen.write(connection_table((*found)->records(), current_time(ctx)));
  }
  co_return exit_code::done;
}

using owners_by_name = std::map<owner, owner_summary>;

std::string owner_json(const owners_by_name::value_type& entry) {
  const auto& [who, summary] = entry;
  json_object out;
  out.text("owner", who.text()).number("connections", summary.connected).number("records", summary.records);
  if (summary.expires_at) out.text("expires_at", to_iso8601(*summary.expires_at));
  return out.str();
}

table owner_table(const owners_by_name& owners, timestamp now) {
  table out({"OWNER", "CONNECTED", "RECORDS", "EXPIRES"});
  for (const auto& [who, summary] : owners) {
    const cell connected(std::to_string(summary.connected), summary.connected > 0 ? tone::good : tone::dim);
    out.add({who.text(), connected, std::to_string(summary.records), relative_time(summary.expires_at, now)});
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
    ctx.screen.line(json_lines(owners, owner_json));
  } else if (owners.empty()) {
    ctx.screen.line("nobody has a connection here");
  } else {
    ctx.screen.write(owner_table(owners, current_time(ctx)));
  }
  co_return exit_code::done;
}

error no_record(const owner& who, const std::string& server) {
  return error(errc::no_record, "no connection of " + who.text() + " is named '" + server + "'; mcpstate list " +
                                    who.text() + " shows what there is");
}

asio::awaitable<int> show_record(context& ctx, selection which) {
  const auto found = co_await ctx.store->get(which.owner, *which.server, tools_wanted::no);
  if (!found) co_return ctx.fail(found.error());
  if (!*found) co_return ctx.fail(no_record(which.owner, which.server->text()));
  ctx.screen.write(ctx.screen.json() ? to_json(**found) + "\n"
                                     : connection_sheet(**found, current_time(ctx), ctx.screen.colour()));
  co_return exit_code::done;
}

std::string stats_text(const store_stats& s) {
  sheet out(14, "", false);
  out.fact("store", s.kind + (s.version.empty() ? "" : " " + s.version) + (s.where.empty() ? "" : ", " + s.where));
  out.fact("users", std::to_string(s.users));
  out.fact("sessions", std::to_string(s.sessions));
  out.fact("connected", std::to_string(s.connected));
  out.fact("disconnected", std::to_string(s.disconnected));
  out.fact("failed", std::to_string(s.failed));
  out.fact("tools", bytes_text(s.tools_bytes));
  if (s.memory_bytes) out.fact("used in all", bytes_text(*s.memory_bytes));
  return out.text();
}

std::string stats_json(const store_stats& s) {
  json_object out;
  out.text("kind", s.kind).text("where", s.where).text("version", s.version);
  out.number("users", s.users).number("sessions", s.sessions);
  out.number("connected", s.connected).number("disconnected", s.disconnected).number("failed", s.failed);
  out.number("tools_bytes", s.tools_bytes);
  if (s.memory_bytes) out.number("memory_bytes", *s.memory_bytes);
  return out.str();
}

asio::awaitable<int> show_stats(context& ctx) {
  progress_handler progress = [&screen = ctx.screen](std::uint64_t done, std::string_view what) {
    screen.progress("counting… " + std::to_string(done) + " " + std::string(what));
  };
  const auto got = co_await ctx.store->stats(std::move(progress));
  if (!got) co_return ctx.fail(got.error());
  ctx.screen.write(ctx.screen.json() ? stats_json(*got) + "\n" : stats_text(*got));
  co_return exit_code::done;
}

}  // namespace

result<command> make_list(const arguments& args) {
  if (args.with_tools && !args.global.json) {
    return error(errc::bad_argument, "list --tools needs --json; see also mcpstate tools");
  }
  if (!args.owner) {
    if (args.with_tools) return error(errc::bad_argument, "list --tools needs an OWNER");
    return reading_command(list_owners);
  }
  const auto which = parse_selection(args);
  if (!which) return which.error();
  const auto want = args.with_tools ? tools_wanted::yes : tools_wanted::no;
  return reading_command([owner = which->owner, want](context& ctx) { return list_owner(ctx, owner, want); });
}

result<command> make_show(const arguments& args) {
  const auto which = parse_selection(args);
  if (!which) return which.error();
  return reading_command([which = *which](context& ctx) { return show_record(ctx, which); });
}

result<command> make_stats(const arguments&) { return reading_command(show_stats); }

}  // namespace mcpstate::cli
