// SPDX-License-Identifier: MIT
// call: a tool of a recorded server. Success renews the record's expiry; nothing else of it changes, whatever comes of the
// call: connect says how a server is.
#include <unistd.h>

#include <algorithm>

#include <mcpstate/mcp/client.hpp>

#include "cli/commands/commands.hh"
#include "cli/reach/client_setup.hh"
#include "cli/reach/interactive_host.hh"
#include "cli/reach/server_target.hh"
#include "cli/reach/status_line.hh"
#include "cli/view/call_view.hh"
#include "cli/view/error_text.hh"
#include "cli/view/text.hh"
#include "cli/words/input.hh"
#include "cli/words/selection.hh"
#include "core/json/slice.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto longest_call = std::chrono::hours(1);  // whatever the progress; there is Ctrl-C
constexpr std::size_t max_input_bytes = 16u * 1024 * 1024;

struct tool_call {
  explicit tool_call(selection chosen) : selected(std::move(chosen)) {}
  selection selected;
  target_additions additions;
  std::string tool, input;
  mcp::call_options options;
};

std::string progress_text(const std::string& tool, const mcp::progress_report& report) {
  std::string out = "calling " + tool + "…";
  if (report.total && *report.total > 0) {
    const double part = std::clamp(report.progress / *report.total, 0.0, 1.0);
    out += " " + std::to_string(static_cast<int>(part * 100)) + " %";
  }
  if (!report.message.empty()) out += " " + cut_to_width(printable(report.message), 60);
  return out + ",";
}

task<mcp::call_result> call_and_close(std::unique_ptr<mcp::client> client, tool_call call) {
  auto calling = client->call_tool(std::move(call.tool), std::move(call.input), std::move(call.options));
  auto called = co_await std::move(calling);
  co_await client->close();
  co_return called;
}

// Connects, calls and closes. Whoever is asked meanwhile sits at this terminal.
task<mcp::call_result> call_server(context& ctx, tool_call call, mcp::target target, mcp::client_options options) {
  const std::string server = call.selected.server->text();
  status_line line(ctx, "connecting to " + server + "…");
  options.user = interactive_host::make(ctx.executor, ctx.screen, server, [&line](bool asking) { line.pause(asking); });
  auto connecting = mcp::connect(ctx.executor, std::move(target), std::move(options));
  auto connected = co_await std::move(connecting);
  if (!connected) {
    co_await line.stop();
    co_return connected.error();
  }
  line.set_text("calling " + call.tool + "…");
  call.options.on_progress = [&line, tool = call.tool](const mcp::progress_report& report) {
    line.set_text(progress_text(tool, report));
  };
  auto calling = call_and_close(std::move(*connected), std::move(call));
  auto called = co_await std::move(calling);
  co_await line.stop();
  co_return called;
}

int print_result(context& ctx, const std::string& tool, const mcp::call_result& result) {
  auto& screen = ctx.screen;
  if (screen.json()) {
    screen.write(result.body);
    if (screen.out_is_terminal()) screen.write("\n");
  }
  const bool harmless = result.is_error ? screen.err_is_terminal() : screen.out_is_terminal();
  const std::string text = call_result_text(result.body, harmless);
  if (!result.is_error) {
    if (!screen.json()) screen.write(text);
    if (text.empty()) screen.note("the tool answered nothing");
    return exit_code::done;
  }
  const bool one_line = text.find('\n') + 1 == text.size();
  if (text.empty()) {
    screen.fail(tool + " failed, and does not say why");
  } else if (one_line) {
    screen.fail(tool + " failed: " + text.substr(0, text.size() - 1));
  } else {
    screen.fail(tool + " failed:");
    screen.write_error(text);
  }
  return exit_code::no;
}

asio::awaitable<int> call_tool(context& ctx, tool_call call) {
  const selection selected = call.selected;
  const std::string tool = call.tool, server = selected.server->text();
  const auto got = co_await ctx.store->get(selected.owner, *selected.server, tools_wanted::no);
  if (!got) co_return ctx.fail(got.error());
  if (!*got) {
    co_return ctx.fail(error(errc::no_record, "no connection of " + selected.owner.text() + " is named '" + server +
                                                  "'; mcpstate connect opens one"));
  }
  auto target = recorded_target(**got, call.additions);
  if (!target) co_return ctx.fail(target.error());
  mcp::client_options options = call.additions.options;
  apply_known_era(options, *target, **got, wall_clock().now());
  auto calling = call_server(ctx, std::move(call), std::move(*target), std::move(options));
  const auto called = co_await std::move(calling);
  if (!called) {
    const auto& cause = called.error();
    if (!ctx.interrupted(cause)) ctx.screen.fail(cause, server_error_text("calling " + tool + " of " + server, cause));
    co_return exit_code::no;
  }
  const int code = print_result(ctx, tool, *called);
  const auto touched = co_await ctx.store->touch(selected.owner, selected.server);
  // The tool has done its work: who sees another exit code might have it done again.
  if (!touched) {
    ctx.screen.fail("the call is done, but its record could not be renewed: " + store_error_text(touched.error()));
  }
  co_return code;
}

result<std::string> read_input(const arguments& args) {
  if (!args.tool_input) return std::string("{}");
  std::string input = *args.tool_input;
  if (input == "-") {
    if (args.header_file == "-" || args.env_file == "-")
      return error(errc::bad_argument, "standard input can be one of the arguments, --header-file and --env-file");
    MCPSTATE_TRY(read, read_standard_input(max_input_bytes));
    input = std::move(read);
  }
  if (const auto fault = mcp::validate_json(input)) {
    return error(errc::bad_argument, "the arguments are no JSON object: " + *fault);
  }
  if (mcp::kind_of(input) != mcp::json_kind::object) return error(errc::bad_argument, "the arguments are no JSON object");
  return input;
}

}  // namespace

result<command> make_call(const arguments& args) {
  MCPSTATE_TRY(selected, parse_selection(args));
  tool_call call(selected);
  if (args.tool.empty()) return error(errc::bad_argument, "the name of a tool is not empty");
  call.tool = args.tool;
  MCPSTATE_TRY(additions, parse_target_additions(args));
  call.additions = std::move(additions);
  MCPSTATE_CHECK(read_duration(call.options.timeout, args.wait, "--timeout"));
  call.options.at_most = std::max<std::chrono::milliseconds>(longest_call, call.options.timeout);
  MCPSTATE_TRY(input, read_input(args));
  call.input = std::move(input);
  return command([call = std::move(call)](context& ctx) { return call_tool(ctx, call); });
}

}  // namespace mcpstate::cli
