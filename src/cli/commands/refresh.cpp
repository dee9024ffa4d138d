// SPDX-License-Identifier: MIT
// tools --refresh: asks servers for their tools again. What comes is recorded on the basis of what was read; a server that
// does not answer changes nothing in its record.
#include <algorithm>

#include "cli/commands/table.hh"
#include "cli/reach/reaching.hh"
#include "cli/view/text.hh"
#include "cli/view/tools_view.hh"
#include "core/duration.hh"
#include "core/json/text.hh"

namespace mcpstate::cli {

namespace {

struct refresh_words {
  explicit refresh_words(names of) : which(std::move(of)) {}
  names which;
  record_words reach;
  bool allow_empty = false;
};

struct refreshed {
  explicit refreshed(connection now) : record(std::move(now)) {}
  connection record;
  tools_difference difference;
  std::vector<std::string> dropped;
  bool kept = false;  // the server answered none, and the last good ones stay
};

std::string json_of(const refreshed& what) {
  std::string out = "{";
  json_members members(out);
  members.text("owner", what.record.whose.text());
  members.text("server", what.record.server);
  members.text("status", to_text(what.record.state));
  members.number("revision", what.record.revision);
  if (what.record.info.tool_count) members.number("tool_count", *what.record.info.tool_count);
  if (!what.record.info.tools_hash.empty()) members.text("tools_hash", what.record.info.tools_hash);
  members.raw("added", json_array(what.difference.added));
  members.raw("removed", json_array(what.difference.removed));
  members.raw("changed", json_array(what.difference.changed));
  members.raw("dropped", json_array(what.dropped));
  return out + "}";
}

void print(terminal& screen, const refreshed& what) {
  if (screen.json()) return;
  const auto& found = what.difference;
  std::string head = shown(label(what.record.whose, what.record.server)) + ": ";
  head += counted(what.record.info.tool_count.value_or(0), "tool");
  screen.line(found.none() ? head + ", nothing has changed" : head);
  const auto each = [&screen](const char* word, tone look, const std::vector<std::string>& tools) {
    for (const auto& name : tools)
      screen.line(std::string("  ") + painted(word, look, screen.colour()) + "  " + shown(name));
  };
  each("added  ", tone::good, found.added);
  each("removed", tone::bad, found.removed);
  each("changed", tone::warn, found.changed);
  if (what.kept) screen.note("the server answered no tools; the last good ones are kept (--allow-empty replaces them)");
  note_dropped(screen, what.dropped);
}

task<refreshed> record_list(context& ctx, connection before, mcp::server_facts facts, mcp::tool_listing listing,
                            bool allow_empty) {
  const std::string stored = before.tools ? *before.tools : "[]";
  const auto good = tools_list::parse(stored);
  const bool keep = listing.tools.empty() && good && !good->empty() && !allow_empty;
  details info = before.info;
  note_facts(info, facts);
  change what(before, status::connected);
  what.with(std::move(info)).keep_connected_at();
  if (!keep) what.tools(listing.tools).allow_empty_tools();
  auto written = co_await ctx.store->put(std::move(what));
  if (!written) co_return written.error();
  refreshed out(std::move(*written));
  if (!keep) out.difference = compare_tools(stored, listing.tools);
  out.kept = keep;
  out.dropped = std::move(listing.dropped);
  co_return out;
}

// One server; its line of JSON is added to `lines`.
asio::awaitable<int> refresh_record(context& ctx, connection before, refresh_words words, std::vector<std::string>& lines) {
  auto where = target_of(before, words.reach);
  if (!where) co_return ctx.fail(where.error());
  mcp::client_options options = words.reach.options;
  remember(options, *where, before, wall_clock().now());
  auto opened = co_await open_and_list(ctx, std::move(*where), std::move(options), before.server);
  if (!opened) {
    if (ctx.stopping || opened.error().is(cond::cancelled)) co_return exits::no;
    const std::string line = line_of_failure("listing the tools of " + before.server, opened.error());
    ctx.screen.fail(line + "; the record is as it was");
    co_return exits::no;
  }
  const std::unique_ptr<mcp::client> client = std::move(opened->client);
  auto recording =
      record_list(ctx, std::move(before), std::move(opened->facts), std::move(opened->listing), words.allow_empty);
  const auto recorded = co_await std::move(recording);
  co_await client->close();
  if (!recorded) co_return ctx.fail(recorded.error());
  print(ctx.screen, *recorded);
  lines.push_back(json_of(*recorded));
  co_return exits::done;
}

asio::awaitable<int> refresh_one(context& ctx, refresh_words words) {
  auto got = co_await ctx.store->get(words.which.whose, *words.which.server, tools_wanted::yes);
  if (!got) co_return ctx.fail(got.error());
  if (!*got) {
    const std::string name = words.which.server->text();
    co_return ctx.fail(error(errc::no_record, "no connection of " + words.which.whose.text() + " is named '" + name + "'"));
  }
  std::vector<std::string> lines;
  const int code = co_await refresh_record(ctx, std::move(**got), std::move(words), lines);
  if (ctx.screen.json() && !lines.empty()) ctx.screen.line(lines.front());
  co_return code;
}

// Programs are named: each needs a command of its own.
bool can_be_refreshed(terminal& screen, const connection& record) {
  if (record.state == status::disconnected) return false;
  if (!record.info.url.empty()) return true;
  screen.note(shown(label(record.whose, record.server)) + " has no URL: name it, and give its command after --");
  return false;
}

asio::awaitable<int> refresh_all(context& ctx, refresh_words words) {
  auto all = co_await ctx.store->list(words.which.whose, tools_wanted::yes);
  if (!all) co_return ctx.fail(all.error());
  std::vector<std::string> lines;
  int worst = exits::done;
  for (const auto& record : *all) {
    if (!can_be_refreshed(ctx.screen, record)) continue;
    const int code = co_await refresh_record(ctx, record, words, lines);
    worst = std::max(worst, code);
    if (ctx.stopping || code == exits::unreachable) break;
  }
  if (ctx.stopping) co_return exits::no;
  if (ctx.screen.json()) {
    std::string out = "[";
    for (const auto& line : lines) out += (out.size() == 1 ? "\n" : ",\n") + line;
    ctx.screen.write(out + (lines.empty() ? "]\n" : "\n]\n"));
  } else if (lines.empty() && worst == exits::done) {
    ctx.screen.line("nothing to refresh");
  }
  co_return worst;
}

}  // namespace

result<command> make_refresh(const arguments& args) {
  const auto which = names_of(args);
  if (!which) return which.error();
  refresh_words words(*which);
  auto reach = record_words_of(args);
  if (!reach) return reach.error();
  words.reach = std::move(*reach);
  if (!which->server && (!args.headers.empty() || words.reach.program)) {
    return error(errc::bad_argument, "--header and a command after -- are for one server: name it");
  }
  if (!args.global.timeout.empty()) {
    const auto limit = parse_duration(args.global.timeout, "--timeout");
    if (!limit) return limit.error();
    words.reach.options.connect_timeout = *limit;
  }
  words.allow_empty = args.allow_empty;
  command out;
  if (which->server) {
    out.run = [words = std::move(words)](context& ctx) { return refresh_one(ctx, words); };
  } else {
    out.run = [words = std::move(words)](context& ctx) { return refresh_all(ctx, words); };
  }
  return out;
}

}  // namespace mcpstate::cli
