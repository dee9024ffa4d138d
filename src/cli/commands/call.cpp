// SPDX-License-Identifier: MIT
// call: a tool of a recorded server. Success renews the record's expiry; nothing else of it changes, whatever comes of the
// call: connect says how a server is.
#include <unistd.h>

#include <algorithm>

#include "cli/commands/table.hh"
#include "cli/reach/asking_host.hh"
#include "cli/reach/reaching.hh"
#include "cli/view/call_view.hh"
#include "cli/view/text.hh"
#include "cli/words/input.hh"
#include "core/duration.hh"
#include "core/json/slice.hh"

namespace mcpstate::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto longest_call = std::chrono::hours(1);  // whatever the progress; there is Ctrl-C
constexpr std::size_t max_input_bytes = 16u * 1024 * 1024;

struct call_words {
  explicit call_words(names of) : which(std::move(of)) {}
  names which;
  record_words reach;
  std::string tool, input;
  mcp::call_options how;
};

std::string progress_text(const std::string& tool, const mcp::progress_report& report) {
  std::string out = "calling " + tool + "…";
  if (report.total && *report.total > 0) {
    const double part = std::clamp(report.progress / *report.total, 0.0, 1.0);
    out += " " + std::to_string(static_cast<int>(part * 100)) + " %";
  }
  if (!report.message.empty()) out += " " + cut_to_width(shown(report.message), 60);
  return out + ",";
}

task<mcp::call_result> call_and_close(std::unique_ptr<mcp::client> client, call_words words) {
  auto calling = client->call_tool(std::move(words.tool), std::move(words.input), std::move(words.how));
  auto called = co_await std::move(calling);
  co_await client->close();
  co_return called;
}

// Connects, calls and closes. Whoever is asked meanwhile sits at this terminal.
task<mcp::call_result> call_server(context& ctx, call_words words, mcp::target where, mcp::client_options options) {
  const std::string server = words.which.server->text();
  status_line line(ctx, "connecting to " + server + "…");
  const auto asking = asking_host::make(ctx.executor, ctx.screen, server, [&line](bool on) { line.hold(on); });
  options.user = asking;
  auto connecting = mcp::connect(ctx.executor, std::move(where), std::move(options));
  auto connected = co_await std::move(connecting);
  if (!connected) {
    co_await line.stop();
    co_return connected.error();
  }
  line.say("calling " + words.tool + "…");
  words.how.on_progress = [&line, tool = words.tool](const mcp::progress_report& report) {
    line.say(progress_text(tool, report));
  };
  auto calling = call_and_close(std::move(*connected), std::move(words));
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
  const std::string text = text_of_result(result.body, harmless);
  if (!result.is_error) {
    if (!screen.json()) screen.write(text);
    if (text.empty()) screen.note("the tool answered nothing");
    return exits::done;
  }
  const bool one_line = text.find('\n') + 1 == text.size();
  if (text.empty()) {
    screen.fail(tool + " failed, and does not say why");
  } else if (one_line) {
    screen.fail(tool + " failed: " + text.substr(0, text.size() - 1));
  } else {
    screen.fail(tool + " failed:");
    screen.aside(text);
  }
  return exits::no;
}

int report_failure(context& ctx, const std::string& what, const error& why) {
  if (!ctx.stopping && !why.is(cond::cancelled)) ctx.screen.fail(line_of_failure(what, why));
  return exits::no;
}

asio::awaitable<int> call_tool(context& ctx, call_words words) {
  const names which = words.which;
  const std::string tool = words.tool, server = which.server->text();
  const auto got = co_await ctx.store->get(which.whose, *which.server, tools_wanted::no);
  if (!got) co_return ctx.fail(got.error());
  if (!*got) {
    co_return ctx.fail(error(errc::no_record, "no connection of " + which.whose.text() + " is named '" + server +
                                                  "'; mcpstate connect opens one"));
  }
  auto where = target_of(**got, words.reach);
  if (!where) co_return ctx.fail(where.error());
  mcp::client_options options = words.reach.options;
  remember(options, *where, **got, wall_clock().now());
  auto calling = call_server(ctx, std::move(words), std::move(*where), std::move(options));
  const auto called = co_await std::move(calling);
  if (!called) co_return report_failure(ctx, "calling " + tool + " of " + server, called.error());
  const int code = print_result(ctx, tool, *called);
  const auto touched = co_await ctx.store->touch(which.whose, which.server);
  // The tool has done its work: who sees another exit code might have it done again.
  if (!touched) ctx.screen.fail("the call is done, but its record could not be renewed: " + line_of(touched.error()));
  co_return code;
}

result<std::string> input_of(const arguments& args) {
  if (!args.tool_input) return std::string("{}");
  std::string input = *args.tool_input;
  if (input == "-") {
    auto read = read_standard_input(max_input_bytes);
    if (!read) return read.error();
    input = std::move(*read);
  }
  if (const auto fault = mcp::validate_json(input)) {
    return error(errc::bad_argument, "the arguments are no JSON object: " + *fault);
  }
  if (mcp::kind_of(input) != mcp::json_kind::object) return error(errc::bad_argument, "the arguments are no JSON object");
  return input;
}

}  // namespace

result<command> make_call(const arguments& args) {
  const auto which = names_of(args);
  if (!which) return which.error();
  call_words words(*which);
  if (args.tool.empty()) return error(errc::bad_argument, "the name of a tool is not empty");
  words.tool = args.tool;
  auto reach = record_words_of(args);
  if (!reach) return reach.error();
  words.reach = std::move(*reach);
  words.how.at_most = longest_call;
  if (!args.wait.empty()) {
    const auto limit = parse_duration(args.wait, "--timeout");
    if (!limit) return limit.error();
    words.how.timeout = *limit;
    words.how.at_most = std::max<std::chrono::milliseconds>(longest_call, *limit);
  }
  auto input = input_of(args);
  if (!input) return input.error();
  words.input = std::move(*input);
  command out;
  out.run = [words = std::move(words)](context& ctx) { return call_tool(ctx, words); };
  return out;
}

}  // namespace mcpstate::cli
