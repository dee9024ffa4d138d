// SPDX-License-Identifier: MIT
#include "cli/commands/commands.hh"
#include "cli/reach/client_setup.hh"
#include "cli/reach/open_server.hh"
#include "cli/reach/server_target.hh"
#include "cli/view/error_text.hh"
#include "cli/view/record_view.hh"
#include "cli/view/text.hh"
#include "cli/words/input.hh"
#include "cli/words/selection.hh"
#include "core/text/printable.hh"
#include "core/text/secrets.hh"
#include "manager/servers/server_details.hh"

namespace mcpstate::cli {

namespace {

constexpr std::size_t max_message_width = 1000;  // of what a record says about a failure

struct connect_request {
  explicit connect_request(selection chosen) : selected(std::move(chosen)) {}
  selection selected;
  mcp::target target;
  mcp::client_options options;
  std::string transport, url;  // as recorded; a command is never stored
  bool allow_empty = false, take_over = false;
};

details known_before(const std::optional<connection>& before) { return before ? before->info : details(); }

change base_change(const connect_request& request, const std::optional<connection>& before, status state) {
  change out(request.selected.owner, *request.selected.server, state);
  out.based_on(before ? before->seen : basis());
  return out;
}

change failed_change(const connect_request& request, const std::optional<connection>& before, const error& cause) {
  auto info = known_before(before);
  const bool again = info.error.has_value();
  const bool over_http = request.transport != "stdio";
  const bool same_endpoint = over_http ? info.url == request.url : info.transport == request.transport;
  if (!same_endpoint) clear_server_details(info);
  failure reason;
  reason.code = std::string(name_of(cause.code()));
  reason.message = cut_to_width(printable(without_secrets(cause.full_text())), max_message_width);
  reason.attempt = again ? info.error->attempt + 1 : 1;
  info.managed = false;
  info.registered.clear();
  if (info.transport.empty()) info.transport = request.transport;
  info.url = request.url;
  auto out = base_change(request, before, status::failed);
  out.set_details(std::move(info));
  out.fail(std::move(reason));
  return out;
}

change connected_change(const connect_request& request, const std::optional<connection>& before, const opened_server& server,
                        bool keep_tools) {
  details info = known_before(before);
  info.managed = false;
  info.registered.clear();
  info.url = request.url;
  set_server_details(info, server.facts);
  info.error.reset();
  auto out = base_change(request, before, status::connected);
  out.set_details(std::move(info));
  if (keep_tools) return out;
  out.tools(server.listing.tools);
  out.allow_empty_tools();
  return out;
}

// A store that breaks now must not hide why the server did not answer: both are told.
asio::awaitable<int> record_failure(context& ctx, connect_request request, std::optional<connection> before, error cause) {
  std::string line = server_error_text("connecting to " + request.selected.server->text(), cause);
  auto update = failed_change(request, before, cause);
  const auto written = co_await ctx.store->put(std::move(update));
  if (!written && ctx.stopping) co_return exit_code::no;
  if (written && ctx.screen.json()) ctx.screen.line(to_json(*written));
  if (!written) line += "; and that could not be recorded: " + store_error_text(written.error());
  ctx.screen.fail(cause, line);
  const bool store_is_gone = !written && !written.error().is(cond::conflict);
  co_return store_is_gone ? exit_code_of(written.error(), error_source::store) : exit_code::no;
}

void print_connected(context& ctx, const connection& record) {
  if (ctx.screen.json()) {
    ctx.screen.line(to_json(record));
    return;
  }
  std::string line = connection_label(record.owner, record.server) + " is CONNECTED";
  if (!record.info.server_title.empty()) line += " to " + record.info.server_title + " " + record.info.server_version;
  if (record.info.tool_count) line += ", " + counted(*record.info.tool_count, "tool");
  ctx.screen.line(printable(line));
}

asio::awaitable<int> record_success(context& ctx, connect_request request, std::optional<connection> before,
                                    opened_server server) {
  const bool keep = keeps_stored_tools(server.listing, before ? before->tools : nullptr, request.allow_empty);
  auto update = connected_change(request, before, server, keep);
  const auto written = co_await ctx.store->put(std::move(update));
  if (!written) co_return ctx.fail(written.error());
  print_connected(ctx, *written);
  note_listing(ctx.screen, keep, server.listing.dropped);
  co_return exit_code::done;
}

asio::awaitable<int> connect_server(context& ctx, connect_request request) {
  auto before = co_await ctx.store->get(request.selected.owner, *request.selected.server, tools_wanted::yes);
  if (!before) co_return ctx.fail(before.error());
  // What is written later holds for this record only, so that nobody begins to manage it in between.
  const bool managed = *before && (*before)->info.managed && (*before)->state != status::disconnected;
  if (managed && !request.take_over) co_return ctx.fail(managed_refusal(**before));
  mcp::client_options options = request.options;
  apply_known_era(options, request.target, *before, wall_clock().now());
  mcp::target target = request.target;
  auto opened = co_await open_server(ctx, std::move(target), std::move(options), request.selected.server->text());
  if (!opened) {
    if (ctx.interrupted(opened.error())) co_return exit_code::no;
    co_return co_await record_failure(ctx, std::move(request), std::move(*before), opened.error());
  }
  const std::unique_ptr<mcp::client> client = std::move(opened->client);
  int code = exit_code::no;
  if (!ctx.stopping) code = co_await record_success(ctx, std::move(request), std::move(*before), std::move(*opened));
  co_await client->close();
  co_return code;
}

// How it is recorded.
void set_recorded_endpoint(connect_request& request) {
  const auto* http = std::get_if<mcp::http_target>(&request.target);
  request.transport = http == nullptr ? "stdio" : request.options.protocol == mcp::era_choice::sse ? "sse" : "http";
  if (http != nullptr) request.url = mcp::shown_url(http->url).value();
}

}  // namespace

result<command> make_connect(const arguments& args) {
  MCPSTATE_TRY(selected, parse_selection(args));
  connect_request request(selected);
  MCPSTATE_TRY(target, parse_target(args));
  request.target = std::move(target);
  MCPSTATE_TRY(options, parse_client_options(args));
  request.options = std::move(options);
  set_recorded_endpoint(request);
  for (auto* timeout : {&request.options.connect_timeout, &request.options.request_timeout}) {
    MCPSTATE_CHECK(read_duration(*timeout, args.wait, "--timeout"));
  }
  request.allow_empty = args.allow_empty;
  request.take_over = args.take_over;
  return command([request = std::move(request)](context& ctx) { return connect_server(ctx, request); });
}

}  // namespace mcpstate::cli
