// SPDX-License-Identifier: MIT
// tools --refresh: asks servers for their tools again. What comes is recorded on the basis of what was read; a server that
// does not answer changes nothing in its record.
#include <algorithm>

#include "cli/commands/commands.hh"
#include "cli/reach/client_setup.hh"
#include "cli/reach/open_server.hh"
#include "cli/reach/server_target.hh"
#include "cli/view/error_text.hh"
#include "cli/view/json.hh"
#include "cli/view/record_view.hh"
#include "cli/view/text.hh"
#include "cli/view/tools_view.hh"
#include "cli/words/input.hh"
#include "cli/words/selection.hh"
#include "core/text/printable.hh"
#include "manager/servers/server_details.hh"

namespace mcpstate::cli {

namespace {

struct refresh_request {
  explicit refresh_request(selection chosen) : selected(std::move(chosen)) {}
  selection selected;
  target_additions additions;
  bool allow_empty = false;
};

struct refreshed {
  explicit refreshed(connection written) : record(std::move(written)) {}
  connection record;
  tools_difference difference;
  std::vector<std::string> dropped;
  bool kept = false;  // the server answered none, and the last good ones stay
};

std::string refreshed_json(const refreshed& outcome) {
  const auto& record = outcome.record;
  object_writer out;
  out.text("owner", record.owner.text()).text("server", record.server);
  if (record.state) out.text("status", to_text(*record.state));
  out.number("revision", record.revision).number("tool_count", record.info.tool_count);
  if (!record.info.tools_hash.empty()) out.text("tools_hash", record.info.tools_hash);
  out.raw("added", json_array(outcome.difference.added)).raw("removed", json_array(outcome.difference.removed));
  out.raw("changed", json_array(outcome.difference.changed)).raw("dropped", json_array(outcome.dropped));
  return out.str();
}

void print_refreshed(terminal& screen, const refreshed& outcome) {
  if (screen.json()) return;
  const auto& found = outcome.difference;
  std::string head = printable(connection_label(outcome.record.owner, outcome.record.server)) + ": ";
  head += counted(outcome.record.info.tool_count.value_or(0), "tool");
  screen.line(found.empty() ? head + ", nothing has changed" : head);
  const auto each = [&screen](const char* word, tone look, const std::vector<std::string>& tools) {
    for (const auto& name : tools)
      screen.line(std::string("  ") + painted(word, look, screen.colour()) + "  " + printable(name));
  };
  each("added  ", tone::good, found.added);
  each("removed", tone::bad, found.removed);
  each("changed", tone::warn, found.changed);
  note_listing(screen, outcome.kept, outcome.dropped);
}

task<refreshed> record_list(context& ctx, connection before, mcp::server_facts facts, mcp::tool_listing listing,
                            bool allow_empty) {
  const bool keeps_tools = keeps_stored_tools(listing, before.tools, allow_empty);
  details info = before.info;
  set_server_details(info, facts);
  info.error.reset();
  change update(before, status::connected);
  update.set_details(std::move(info)).keep_connected_at();
  if (!keeps_tools) update.tools(listing.tools).allow_empty_tools();
  MCPSTATE_CO_TRY(written, co_await ctx.store->put(std::move(update)));
  refreshed out(std::move(written));
  if (!keeps_tools) out.difference = compare_tools(before.tools ? *before.tools : "[]", listing.tools);
  out.kept = keeps_tools;
  out.dropped = std::move(listing.dropped);
  co_return out;
}

// One server; its line of JSON is added to `lines`.
asio::awaitable<int> refresh_record(context& ctx, connection before, refresh_request request,
                                    std::vector<std::string>& lines) {
  auto target = recorded_target(before, request.additions);
  if (!target) co_return ctx.fail(target.error());
  mcp::client_options options = request.additions.options;
  apply_known_era(options, *target, before, wall_clock().now());
  auto opened = co_await open_server(ctx, std::move(*target), std::move(options), before.server);
  if (!opened) {
    if (ctx.interrupted(opened.error())) co_return exit_code::no;
    const std::string line = server_error_text("listing the tools of " + before.server, opened.error());
    ctx.screen.fail(opened.error(), line + "; the record is as it was");
    co_return exit_code::no;
  }
  const std::unique_ptr<mcp::client> client = std::move(opened->client);
  auto recording =
      record_list(ctx, std::move(before), std::move(opened->facts), std::move(opened->listing), request.allow_empty);
  const auto recorded = co_await std::move(recording);
  co_await client->close();
  if (!recorded) co_return ctx.fail(recorded.error());
  print_refreshed(ctx.screen, *recorded);
  lines.push_back(refreshed_json(*recorded));
  co_return exit_code::done;
}

asio::awaitable<int> refresh_one(context& ctx, refresh_request request) {
  auto got = co_await ctx.store->get(request.selected.owner, *request.selected.server, tools_wanted::yes);
  if (!got) co_return ctx.fail(got.error());
  if (!*got) {
    const std::string name = request.selected.server->text();
    co_return ctx.fail(
        error(errc::no_record, "no connection of " + request.selected.owner.text() + " is named '" + name + "'"));
  }
  std::vector<std::string> lines;
  const int code = co_await refresh_record(ctx, std::move(**got), std::move(request), lines);
  if (ctx.screen.json() && !lines.empty()) ctx.screen.line(lines.front());
  co_return code;
}

// Programs are named: each needs a command of its own.
bool can_be_refreshed(terminal& screen, const connection& record) {
  if (record.state == status::disconnected) return false;
  if (!record.info.url.empty()) return true;
  screen.note(printable(connection_label(record.owner, record.server)) +
              " has no URL: name it, and give its command after --");
  return false;
}

asio::awaitable<int> refresh_all(context& ctx, refresh_request request) {
  auto all = co_await ctx.store->list(request.selected.owner, tools_wanted::yes);
  if (!all) co_return ctx.fail(all.error());
  std::vector<std::string> lines;
  int worst = exit_code::done;
  for (const auto& record : **all) {
    if (!can_be_refreshed(ctx.screen, record)) continue;
    const int code = co_await refresh_record(ctx, record, request, lines);
    worst = std::max(worst, code);
    if (ctx.stopping || code == exit_code::unreachable) break;
  }
  if (ctx.stopping) co_return exit_code::no;
  if (ctx.screen.json()) {
    ctx.screen.line(json_lines(lines));
  } else if (lines.empty() && worst == exit_code::done) {
    ctx.screen.line("nothing to refresh");
  }
  co_return worst;
}

}  // namespace

result<command> make_refresh(const arguments& args) {
  MCPSTATE_TRY(selected, parse_selection(args));
  refresh_request request(selected);
  MCPSTATE_TRY(additions, parse_target_additions(args));
  request.additions = std::move(additions);
  if (!selected.server && (!args.headers.empty() || request.additions.program)) {
    return error(errc::bad_argument, "--header and a command after -- are for one server: name it");
  }
  auto& timeout = request.additions.options.connect_timeout;
  MCPSTATE_CHECK(read_duration(timeout, args.global.timeout, "--timeout"));
  request.allow_empty = args.allow_empty;
  const auto refresh = selected.server ? refresh_one : refresh_all;
  return command([request = std::move(request), refresh](context& ctx) { return refresh(ctx, request); });
}

}  // namespace mcpstate::cli
