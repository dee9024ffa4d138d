// SPDX-License-Identifier: MIT
#include "cli/commands/table.hh"
#include "cli/reach/reaching.hh"
#include "cli/view/text.hh"
#include "core/duration.hh"
#include "core/text/secrets.hh"

namespace mcpstate::cli {

namespace {

struct connect_words {
  explicit connect_words(names of) : which(std::move(of)) {}
  names which;
  mcp::target where;
  mcp::client_options options;
  std::string transport, url;  // as recorded; a command is never stored
  bool allow_empty = false;
};

details known_before(const std::optional<connection>& before) { return before ? before->info : details(); }

bool has_good_tools(const std::optional<connection>& before) {
  if (!before || !before->tools) return false;
  const auto list = tools_list::parse(*before->tools);
  return list && !list->empty();
}

change base_change(const connect_words& words, const std::optional<connection>& before, status to) {
  change out(words.which.whose, *words.which.server, to);
  out.based_on(before ? before->seen : basis());
  return out;
}

// What was known about another one.
void forget_server(details& info) {
  info.transport.clear();
  info.protocol_version.clear();
  info.server_title.clear();
  info.server_version.clear();
  info.capabilities.clear();
}

change failed_change(const connect_words& words, const std::optional<connection>& before, const error& why) {
  auto info = known_before(before);
  const bool again = info.error.has_value();
  const bool over_http = words.transport != "stdio";
  const bool same_place = over_http ? info.url == words.url : info.transport == words.transport;
  if (!same_place) forget_server(info);
  failure reason;
  reason.code = std::string(name_of(why.code()));
  reason.message = cut_to_width(shown(without_secrets(why.full_text())), max_said_bytes);
  reason.attempt = again ? info.error->attempt + 1 : 1;
  info.managed = false;
  info.registered.clear();
  if (info.transport.empty()) info.transport = words.transport;
  info.url = words.url;
  auto out = base_change(words, before, status::failed);
  out.with(std::move(info));
  out.fail(std::move(reason));
  return out;
}

change connected_change(const connect_words& words, const std::optional<connection>& before, const opened_server& server,
                        bool keep_tools) {
  details info = known_before(before);
  info.managed = false;
  info.registered.clear();
  info.url = words.url;
  note_facts(info, server.facts);
  auto out = base_change(words, before, status::connected);
  out.with(std::move(info));
  if (keep_tools) return out;
  out.tools(server.listing.tools);
  out.allow_empty_tools();
  return out;
}

// A store that breaks now must not hide why the server did not answer: both are told.
asio::awaitable<int> record_failure(context& ctx, connect_words words, std::optional<connection> before, error why) {
  std::string line = line_of_failure("connecting to " + words.which.server->text(), why);
  auto what = failed_change(words, before, why);
  const auto written = co_await ctx.store->put(std::move(what));
  if (!written && ctx.stopping) co_return exits::no;
  if (written && ctx.screen.json()) ctx.screen.line(to_json(*written));
  if (!written) line += "; and that could not be recorded: " + line_of(written.error());
  ctx.screen.fail(line);
  const bool store_is_gone = !written && !written.error().is(cond::conflict);
  co_return store_is_gone ? exit_code_of(written.error(), blame::store) : exits::no;
}

void print_connected(context& ctx, const connection& record, bool kept) {
  if (ctx.screen.json()) {
    ctx.screen.line(to_json(record));
    return;
  }
  std::string line = label(record.whose, record.server) + " is CONNECTED";
  if (!record.info.server_title.empty()) line += " to " + record.info.server_title + " " + record.info.server_version;
  if (record.info.tool_count) line += ", " + counted(*record.info.tool_count, "tool");
  ctx.screen.line(shown(line));
  if (kept) ctx.screen.note("the server answered no tools; the last good ones are kept (--allow-empty replaces them)");
}

asio::awaitable<int> record_success(context& ctx, connect_words words, std::optional<connection> before,
                                    opened_server server) {
  const bool keep = server.listing.tools.empty() && !words.allow_empty && has_good_tools(before);
  auto what = connected_change(words, before, server, keep);
  const auto written = co_await ctx.store->put(std::move(what));
  if (!written) co_return ctx.fail(written.error());
  print_connected(ctx, *written, keep);
  note_dropped(ctx.screen, server.listing.dropped);
  co_return exits::done;
}

asio::awaitable<int> connect_server(context& ctx, connect_words words) {
  auto before = co_await ctx.store->get(words.which.whose, *words.which.server, tools_wanted::yes);
  if (!before) co_return ctx.fail(before.error());
  mcp::client_options options = words.options;
  remember(options, words.where, *before, wall_clock().now());
  mcp::target where = words.where;
  auto opened = co_await open_and_list(ctx, std::move(where), std::move(options), words.which.server->text());
  if (!opened) {
    // Stopped by the person at the keyboard: that says nothing about the server.
    if (ctx.stopping || opened.error().is(cond::cancelled)) co_return exits::no;
    co_return co_await record_failure(ctx, std::move(words), std::move(*before), opened.error());
  }
  const std::unique_ptr<mcp::client> client = std::move(opened->client);
  int code = exits::no;
  if (!ctx.stopping) code = co_await record_success(ctx, std::move(words), std::move(*before), std::move(*opened));
  co_await client->close();
  co_return code;
}

// How it is recorded.
void note_place(connect_words& words) {
  const auto* there = std::get_if<mcp::http_target>(&words.where);
  words.transport = there == nullptr ? "stdio" : words.options.protocol == mcp::era_choice::sse ? "sse" : "http";
  if (there != nullptr) words.url = mcp::shown_url(there->url).value();
}

}  // namespace

result<command> make_connect(const arguments& args) {
  const auto which = names_of(args);
  if (!which) return which.error();
  connect_words words(*which);
  auto where = target_of(args);
  if (!where) return where.error();
  words.where = std::move(*where);
  auto options = client_options_of(args);
  if (!options) return options.error();
  words.options = std::move(*options);
  note_place(words);
  if (!args.wait.empty()) {
    const auto limit = parse_duration(args.wait, "--timeout");
    if (!limit) return limit.error();
    words.options.connect_timeout = *limit;
    words.options.request_timeout = *limit;
  }
  words.allow_empty = args.allow_empty;
  command out;
  out.run = [words = std::move(words)](context& ctx) { return connect_server(ctx, words); };
  return out;
}

}  // namespace mcpstate::cli
