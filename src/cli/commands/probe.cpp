// SPDX-License-Identifier: MIT
#include <algorithm>

#include "cli/commands/table.hh"
#include "cli/reach/reaching.hh"
#include "cli/view/probe_report.hh"
#include "cli/view/text.hh"
#include "core/duration.hh"

namespace mcpstate::cli {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t max_error_line = 300;  // the report has all of it

struct probe_words {
  probe_words() {}
  mcp::target where;
  mcp::client_options options;
};

probe_report empty_report(const probe_words& words) {
  probe_report out;
  out.protocol = words.options.protocol;
  if (const auto* there = std::get_if<mcp::http_target>(&words.where)) {
    out.where = mcp::shown_url(there->url).value();
    out.over_http = true;
    out.has_headers = !there->headers.empty();
  } else {
    // Arguments may hold secrets, and reports are passed on.
    out.where = std::get<mcp::stdio_target>(words.where).command.front();
  }
  return out;
}

void add_step(probe_report& report, const char* what, clock::time_point begun, const error* why) {
  mcp::connect_step out;
  out.what = what;
  out.ok = why == nullptr;
  out.outcome = why == nullptr ? "ok" : why->detail();
  if (why != nullptr) out.peer = why->peer_text();
  out.took = std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - begun);
  report.steps.push_back(std::move(out));
}

asio::awaitable<void> list_and_close(std::unique_ptr<mcp::client> client, probe_report& report) {
  report.connected = true;
  report.facts = client->facts();
  auto begun = clock::now();
  auto listing = client->list_tools();
  auto listed = co_await std::move(listing);
  if (listed) {
    report.listing = std::move(*listed);
  } else {
    report.why = listed.error();
  }
  if (report.facts.has_tools) add_step(report, "tools/list", begun, listed ? nullptr : &*report.why);
  begun = clock::now();
  co_await client->close();
  add_step(report, "close", begun, nullptr);
}

asio::awaitable<void> look(context& ctx, probe_words words, probe_report& report) {
  words.options.on_step = [&report](const mcp::connect_step& step) { report.steps.push_back(step); };
  words.options.on_oddity = [&report](const std::string&, const std::string& peer) {
    if (report.oddities++ == 0) report.first_oddity = peer;
  };
  auto connecting = mcp::connect(ctx.executor, std::move(words.where), std::move(words.options));
  auto connected = co_await std::move(connecting);
  if (!connected) {
    report.why = connected.error();
  } else {
    co_await list_and_close(std::move(*connected), report);
  }
}

asio::awaitable<int> probe_server(context& ctx, probe_words words) {
  probe_report report = empty_report(words);
  status_line line(ctx, "probing " + report.where + "…");
  co_await look(ctx, std::move(words), report);
  co_await line.stop();
  if (ctx.stopping) co_return exits::no;
  auto& screen = ctx.screen;
  if (screen.json()) {
    screen.line(probe_json(report));
  } else {
    screen.write(probe_text(report, screen.colour(), screen.width()));
  }
  if (report.works()) co_return exits::done;
  std::string why = report.why->detail();
  if (!report.why->peer_text().empty())
    why += " (it says: " + cut_to_width(shown(report.why->peer_text()), max_error_line) + ")";
  screen.fail("no client can work with " + report.where + ": " + why);
  co_return exits::no;
}

}  // namespace

result<command> make_probe(const arguments& args) {
  probe_words words;
  auto where = target_of(args);
  if (!where) return where.error();
  words.where = std::move(*where);
  auto options = client_options_of(args);
  if (!options) return options.error();
  words.options = std::move(*options);
  words.options.request_timeout = words.options.connect_timeout;
  words.options.follow = true;  // a stream for announcements is one of the things to find out
  if (!args.wait.empty()) {
    const auto limit = parse_duration(args.wait, "--timeout");
    if (!limit) return limit.error();
    words.options.connect_timeout = *limit;
    words.options.request_timeout = *limit;
  }
  command out;
  out.run = [words = std::move(words)](context& ctx) { return probe_server(ctx, words); };
  return out;
}

}  // namespace mcpstate::cli
