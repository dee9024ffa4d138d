// SPDX-License-Identifier: MIT
#include "cli/reach/open_server.hh"

#include "cli/reach/status_line.hh"
#include "cli/view/text.hh"
#include "cli/view/tools_view.hh"

namespace mcpstate::cli {

namespace {

// How much longer than one request listing may take, so that the request's own error, which says more, comes first.
constexpr auto listing_grace = std::chrono::milliseconds(200);

task<opened_server> connect_and_list(context& ctx, mcp::target target, mcp::client_options options) {
  const auto limit = options.request_timeout;
  auto connecting = mcp::connect(ctx.executor, std::move(target), std::move(options));
  MCPSTATE_CO_TRY(connected, co_await std::move(connecting));
  opened_server out;
  out.client = std::move(connected);
  out.facts = out.client->facts();
  // All pages together: whoever waits for a list does not care how many it comes in.
  auto listing = aio::with_deadline(out.client->list_tools(), aio::after(limit + listing_grace),
                                    "the server did not list its tools within " + duration_text(limit));
  auto listed = co_await std::move(listing);
  if (!listed) {
    co_await out.client->close();
    co_return listed.error();
  }
  out.listing = std::move(*listed);
  co_return out;
}

}  // namespace

task<opened_server> open_server(context& ctx, mcp::target target, mcp::client_options options, std::string name) {
  status_line line(ctx, "connecting to " + name + "…");
  auto opening = connect_and_list(ctx, std::move(target), std::move(options));
  auto opened = co_await std::move(opening);
  co_await line.stop();
  co_return opened;
}

bool keeps_stored_tools(const mcp::tool_listing& listing, const std::shared_ptr<const std::string>& stored,
                        bool allow_empty) {
  if (!listing.tools.empty() || !stored || allow_empty) return false;
  const auto list = tools_list::parse(*stored);
  return list && !list->empty();
}

void note_listing(terminal& screen, bool kept, const std::vector<std::string>& dropped) {
  if (kept) screen.note("the server answered no tools; the last good ones are kept (--allow-empty replaces them)");
  screen.note(dropped_tools_text(dropped));
}

}  // namespace mcpstate::cli
