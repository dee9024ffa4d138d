// SPDX-License-Identifier: MIT
#include "cli/commands/commands.hh"
#include "cli/reach/client_setup.hh"
#include "cli/reach/server_target.hh"
#include "cli/reach/status_line.hh"
#include "cli/view/error_text.hh"
#include "cli/view/probe_view.hh"
#include "cli/words/input.hh"

namespace mcpstate::cli {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t report_peer_width = 300;  // the report has all of it

struct probe_request {
  probe_request() {}
  mcp::target target;
  mcp::client_options options;
};

probe_report empty_report(const probe_request& request) {
  probe_report out;
  out.protocol = request.options.protocol;
  if (const auto* http = std::get_if<mcp::http_target>(&request.target)) {
    out.address = mcp::shown_url(http->url).value();
    out.over_http = true;
    out.has_headers = !http->headers.empty();
  } else {
    // Arguments may hold secrets, and reports are passed on.
    out.address = std::get<mcp::stdio_target>(request.target).command.front();
  }
  return out;
}

void add_step(probe_report& report, std::string name, clock::time_point begun, const error* cause) {
  mcp::connect_step out;
  out.name = std::move(name);
  out.ok = cause == nullptr;
  out.outcome = cause == nullptr ? "ok" : cause->detail();
  if (cause != nullptr) out.peer = cause->peer_text();
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
    report.fault = listed.error();
  }
  if (report.facts.has_tools) add_step(report, "tools/list", begun, listed ? nullptr : &*report.fault);
  begun = clock::now();
  co_await client->close();
  add_step(report, "close", begun, nullptr);
}

asio::awaitable<void> probe_steps(context& ctx, probe_request request, probe_report& report) {
  request.options.on_step = [&report](const mcp::connect_step& step) { report.steps.push_back(step); };
  request.options.on_oddity = [&report](const std::string&, const std::string& peer) {
    if (report.oddities++ == 0) report.first_oddity = peer;
  };
  auto connecting = mcp::connect(ctx.executor, std::move(request.target), std::move(request.options));
  auto connected = co_await std::move(connecting);
  if (!connected) {
    report.fault = connected.error();
  } else {
    co_await list_and_close(std::move(*connected), report);
  }
}

asio::awaitable<int> probe_server(context& ctx, probe_request request) {
  probe_report report = empty_report(request);
  status_line line(ctx, "probing " + report.address + "…");
  co_await probe_steps(ctx, std::move(request), report);
  co_await line.stop();
  if (ctx.stopping) co_return exit_code::no;
  auto& screen = ctx.screen;
  if (screen.json()) {
    screen.line(probe_json(report));
  } else {
    screen.write(probe_text(report, screen.colour(), screen.width()));
  }
  if (report.works()) co_return exit_code::done;
  const std::string peer = peer_suffix(report.fault->peer_text(), report_peer_width);
  screen.fail("no client can work with " + report.address + ": " + report.fault->detail() + peer);
  co_return exit_code::no;
}

}  // namespace

result<command> make_probe(const arguments& args) {
  probe_request request;
  MCPSTATE_TRY(target, parse_target(args));
  request.target = std::move(target);
  MCPSTATE_TRY(options, parse_client_options(args));
  request.options = std::move(options);
  MCPSTATE_CHECK(read_duration(request.options.connect_timeout, args.wait, "--timeout"));
  request.options.request_timeout = request.options.connect_timeout;
  request.options.follow = true;  // a stream for announcements is one of the things to find out
  return command([request = std::move(request)](context& ctx) { return probe_server(ctx, request); });
}

}  // namespace mcpstate::cli
