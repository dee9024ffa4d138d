// SPDX-License-Identifier: MIT
#include <algorithm>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/mcp/client.hpp>

#include "cli/commands.hh"
#include "cli/duration.hh"
#include "cli/input.hh"
#include "cli/record_view.hh"
#include "cli/text.hh"

namespace mcpstate::cli {

namespace {

constexpr std::size_t max_reason_bytes = 1000;  // of what a server said, in a record

struct connect_words {
  explicit connect_words(names of) : which(std::move(of)) {}
  names which;
  mcp::target where;
  mcp::client_options options;
  std::string transport, url;  // as recorded; a command is never stored
  bool allow_empty = false;
};

// What came of the attempt: facts and tools, or an error.
struct opened_server {
  opened_server() {}
  mcp::server_facts facts;
  tools_list tools;
  std::unique_ptr<mcp::client> client;
};

// Counts the seconds on standard error while the server is being reached.
asio::awaitable<void> show_progress(context& ctx, std::string name) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto begin = std::chrono::steady_clock::now();
  for (int second = 0;; ++second) {
    ctx.screen.progress("connecting to " + name + "… " + std::to_string(second) + " s");
    if (!co_await aio::wait_until(begin + std::chrono::seconds(second + 1))) break;
  }
  ctx.screen.progress({});
}

task<opened_server> open_server(context& ctx, connect_words words) {
  auto connecting = mcp::connect(ctx.executor, std::move(words.where), std::move(words.options));
  auto connected = co_await std::move(connecting);
  if (!connected) co_return connected.error();
  opened_server out;
  out.client = std::move(*connected);
  out.facts = out.client->facts();
  auto listing = out.client->list_tools();
  auto listed = co_await std::move(listing);
  if (!listed) {
    co_await out.client->close();
    co_return listed.error();
  }
  out.tools = std::move(listed->tools);
  co_return out;
}

// The same, with the seconds shown meanwhile.
task<opened_server> open_with_progress(context& ctx, connect_words words) {
  aio::task_group background(ctx.executor);
  background.spawn("progress", show_progress(ctx, words.which.server->text()));
  auto opening = open_server(ctx, std::move(words));
  auto opened = co_await std::move(opening);
  co_await background.stop();
  co_return opened;
}

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

change failed_change(const connect_words& words, const std::optional<connection>& before, const error& why) {
  auto info = known_before(before);
  const bool again = info.error.has_value();
  failure reason;
  reason.code = std::string(name_of(why.code()));
  reason.message = cut_to_width(shown(why.full_text()), max_reason_bytes);
  reason.attempt = again ? info.error->attempt + 1 : 1;
  info.managed = false;
  info.transport = words.transport;
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
  info.transport = server.facts.transport;
  info.url = words.url;
  info.protocol_version = server.facts.protocol_version;
  info.server_title = server.facts.title;
  info.server_version = server.facts.version;
  info.capabilities = server.facts.capabilities;
  info.error.reset();
  auto out = base_change(words, before, status::connected);
  out.with(std::move(info));
  if (keep_tools) return out;
  out.tools(server.tools);
  out.allow_empty_tools();
  return out;
}

// What to do about a server, where the detail does not say it itself.
const char* advice(errc code) noexcept {
  switch (code) {
    case errc::resolve_failed:
    case errc::connect_failed:
      return "is the server running, and is the URL right?";
    case errc::auth_failed:
      return "give what the server wants to see with --header";
    case errc::deadline:
      return "--timeout waits longer";
    case errc::tls_failed:
      return "is it http:// there? --ca-file names a private authority";
    case errc::protocol:
    case errc::http_status:
      return "is this the URL or the command of an MCP server?";
    default:
      return nullptr;
  }
}

std::string line_of_server(const std::string& name, const error& why) {
  std::string out = "connecting to " + name + " failed: " + why.detail();
  const char* what_to_do = advice(why.code());
  const bool said = why.detail().find_first_of(";?") != std::string::npos;
  if (what_to_do != nullptr && !said) out.append("; ").append(what_to_do);
  if (!why.peer_text().empty()) out += " (it says: " + cut_to_width(shown(why.peer_text()), max_reason_bytes) + ")";
  return out;
}

// A store that breaks now must not hide why the server did not answer: both are told.
asio::awaitable<int> record_failure(context& ctx, connect_words words, std::optional<connection> before, error why) {
  std::string line = line_of_server(words.which.server->text(), why);
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
  const bool keep = server.tools.empty() && !words.allow_empty && has_good_tools(before);
  auto what = connected_change(words, before, server, keep);
  const auto written = co_await ctx.store->put(std::move(what));
  if (!written) co_return ctx.fail(written.error());
  print_connected(ctx, *written, keep);
  co_return exits::done;
}

asio::awaitable<int> connect_server(context& ctx, connect_words words) {
  auto before = co_await ctx.store->get(words.which.whose, *words.which.server, tools_wanted::yes);
  if (!before) co_return ctx.fail(before.error());
  auto opened = co_await open_with_progress(ctx, words);
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

result<mcp::http_target> http_of(const arguments& args) {
  if (!args.env.empty() || !args.cwd.empty()) {
    return error(errc::bad_argument, "--env and --cwd are for a command after --, not for a URL");
  }
  mcp::http_target out;
  out.url = *args.url;
  for (const auto& text : args.headers) {
    auto header = parse_header(text);
    if (!header) return header.error();
    out.headers.push_back(std::move(*header));
  }
  return out;
}

result<mcp::stdio_target> stdio_of(const arguments& args) {
  if (!args.headers.empty()) return error(errc::bad_argument, "--header is for a URL, not for a command after --");
  mcp::stdio_target out;
  out.command = args.program;
  out.cwd = args.cwd;
  for (const auto& text : args.env) {
    auto variable = parse_variable(text);
    if (!variable) return variable.error();
    out.env.push_back(std::move(*variable));
  }
  return out;
}

result<void> choose_target(connect_words& words, const arguments& args) {
  if (args.url.has_value() == !args.program.empty()) {
    return error(errc::bad_argument, args.url ? "give a URL or a command after --, not both"
                                              : "give a URL, or a command after -- (see mcpstate connect --help)");
  }
  if (!args.url) {
    auto program = stdio_of(args);
    if (!program) return program.error();
    words.transport = "stdio";
    words.where = std::move(*program);
    return {};
  }
  auto url = mcp::shown_url(*args.url);
  if (!url) return url.error();
  auto there = http_of(args);
  if (!there) return there.error();
  words.transport = "http";
  words.url = std::move(*url);
  words.where = std::move(*there);
  return {};
}

}  // namespace

result<command> make_connect(const arguments& args) {
  const auto which = names_of(args);
  if (!which) return which.error();
  connect_words words(*which);
  if (const auto ok = choose_target(words, args); !ok) return ok.error();
  if (!args.wait.empty()) {
    const auto limit = parse_duration(args.wait, "--timeout");
    if (!limit) return limit.error();
    words.options.connect_timeout = *limit;
    words.options.request_timeout = std::max(words.options.request_timeout, *limit);
  }
  words.options.client_version = version_text();
  words.options.ca_file = args.global.ca_file;
  words.allow_empty = args.allow_empty;
  command out;
  out.run = [words = std::move(words)](context& ctx) { return connect_server(ctx, words); };
  return out;
}

}  // namespace mcpstate::cli
