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

asio::awaitable<int> list_owner(context& ctx, owner account, tools_wanted want) {
  const auto found = co_await ctx.store->list(account, want);
  if (!found) co_return ctx.fail(found.error());
  if (ctx.screen.json()) {
    ctx.screen.line(json_lines((*found)->records(), to_json));
  } else if ((*found)->empty()) {
    ctx.screen.line(printable(account.text()) + " has no connections");
  } else {
    ctx.screen.write(connection_table((*found)->records(), current_time(ctx)));
  }
  co_return exit_code::done;
}

using owners_by_name = std::map<owner, owner_summary>;

std::string owner_json(const owners_by_name::value_type& entry) {
  const auto& [account, summary] = entry;
  object_writer out;
  out.text("owner", account.text()).number("connections", summary.connected).number("records", summary.records);
  return out.time("expires_at", summary.expires_at).str();
}

table owner_table(const owners_by_name& owners, timestamp now) {
  table out({"OWNER", "CONNECTED", "RECORDS", "EXPIRES"});
  for (const auto& [account, summary] : owners) {
    const cell connected(std::to_string(summary.connected), summary.connected > 0 ? tone::good : tone::dim);
    out.add({account.text(), connected, std::to_string(summary.records), relative_time(summary.expires_at, now)});
  }
  return out;
}

asio::awaitable<int> list_owners(context& ctx) {
  owners_by_name owners;  // a page may repeat an owner of an earlier one
  std::string cursor;
  do {
    auto page = co_await ctx.store->scan(cursor);
    if (!page) co_return ctx.fail(page.error());
    for (auto& o : page->owners) owners.insert_or_assign(o.owner, o);
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

error no_record(const owner& account, const std::string& server) {
  return error(errc::no_record, "no connection of " + account.text() + " is named '" + server + "'; mcpstate list " +
                                    account.text() + " shows what there is");
}

asio::awaitable<int> show_record(context& ctx, selection target) {
  const auto found = co_await ctx.store->get(target.owner, *target.server, tools_wanted::no);
  if (!found) co_return ctx.fail(found.error());
  if (!*found) co_return ctx.fail(no_record(target.owner, target.server->text()));
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
  object_writer out;
  out.text("kind", s.kind).text("where", s.where).text("version", s.version);
  out.number("users", s.users).number("sessions", s.sessions);
  out.number("connected", s.connected).number("disconnected", s.disconnected).number("failed", s.failed);
  return out.number("tools_bytes", s.tools_bytes).number("memory_bytes", s.memory_bytes).str();
}

asio::awaitable<int> show_stats(context& ctx) {
  progress_handler progress = [&screen = ctx.screen](std::uint64_t done, std::string_view unit) {
    screen.progress("counting… " + std::to_string(done) + " " + std::string(unit));
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
  MCPSTATE_TRY(target, parse_selection(args));
  const auto want = args.with_tools ? tools_wanted::yes : tools_wanted::no;
  return reading_command([owner = target.owner, want](context& ctx) { return list_owner(ctx, owner, want); });
}

result<command> make_show(const arguments& args) {
  const auto target = parse_selection(args);
  if (!target) return target.error();
  return reading_command([target = *target](context& ctx) { return show_record(ctx, target); });
}

result<command> make_stats(const arguments&) { return reading_command(show_stats); }

}  // namespace mcpstate::cli
