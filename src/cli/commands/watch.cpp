// SPDX-License-Identifier: MIT
#include <ctime>

#include "cli/commands/commands.hh"
#include "cli/view/error_text.hh"
#include "cli/view/json.hh"
#include "cli/view/record_view.hh"
#include "cli/view/text.hh"
#include "cli/words/input.hh"
#include "cli/words/selection.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

struct watch_request {
  watch_request() {}
  std::optional<mcpstate::owner> owner;
  std::uint64_t count = 0;             // 0: no end
  std::chrono::milliseconds limit{0};  // 0: none
};

const char* event_name(event::kind k) noexcept {
  constexpr const char* names[] = {"present", "removed", "ready", "resync", "overrun"};  // in the order of event::kind
  return names[static_cast<std::size_t>(k)];
}

std::string json_line(const event& e) {
  object_writer out;
  out.text("event", event_name(e.what));
  if (e.what == event::kind::present && e.record) out.raw("connection", to_json(*e.record));
  if (e.what == event::kind::removed && e.record) {
    out.text("owner", e.record->owner.text()).text("server", e.record->server);
    if (is_foreign_member(*e.record)) out.text("member", e.record->member);
  }
  if (!e.remark.empty()) out.text("remark", e.remark);
  return out.str();
}

std::string clock_text() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::string out(16, '\0');
  out.resize(std::strftime(out.data(), out.size(), "%H:%M:%S", &parts));
  return out;
}

std::string human_line(const event& e, bool colour) {
  const auto& c = *e.record;
  std::string out =
      painted(clock_text(), tone::dim, colour) + "  " + printable(c.owner.text()) + "  " + printable(c.server) + "  ";
  if (e.what == event::kind::removed) return out + painted("removed", tone::dim, colour);
  out += painted(std::string(to_text(c.state)), status_tone(c.state), colour);
  if (c.info.tool_count) out += "  " + counted(*c.info.tool_count, "tool");
  if (c.info.error) out += "  " + painted(printable(c.info.error->message), tone::dim, colour);
  return out;
}

class printer {
 public:
  printer(context& ctx, std::uint64_t wanted) : ctx_(ctx), wanted_(wanted) {}

  void print(const event& e) {
    if (e.what == event::kind::ready && !ready_) ctx_.screen.note("watching… Ctrl-C ends");
    if (e.what == event::kind::resync)
      ctx_.screen.note((e.remark.empty() ? std::string("the link to the store was lost") : std::string(e.remark)) +
                       "; what follows is what changed since");
    if (ctx_.screen.json()) {
      ctx_.screen.line(json_line(e));
    } else if (e.record) {
      ctx_.screen.line(human_line(e, ctx_.screen.colour()));
    }
    ctx_.screen.flush();
    const bool change = e.what == event::kind::present || e.what == event::kind::removed;
    if (ready_ && change) ++seen_;
    ready_ = ready_ || e.what == event::kind::ready;
    outage_told_ = false;
  }
  // Once per outage.
  void lost(const error& cause) {
    if (!outage_told_) ctx_.screen.note(store_error_text(cause) + " — waiting for the store to come back");
    outage_told_ = true;
  }
  [[nodiscard]] bool complete() const noexcept { return wanted_ > 0 && seen_ >= wanted_; }

 private:
  context& ctx_;
  std::uint64_t wanted_, seen_ = 0;
  bool ready_ = false, outage_told_ = false;
};

task<event> next_event(watcher& from, std::optional<aio::deadline> until) {
  auto next = from.next();
  if (!until) co_return co_await std::move(next);
  co_return co_await aio::with_deadline(std::move(next), *until, "watch");
}

asio::awaitable<int> watch_changes(context& ctx, watch_request request) {
  std::optional<aio::deadline> until;
  if (request.limit.count() > 0) until = aio::after(request.limit);
  const auto opened = co_await ctx.store->watch(request.owner);
  if (!opened) co_return ctx.fail(opened.error());
  printer out(ctx, request.count);
  while (!out.complete() && !ctx.stopping && ctx.screen.writable()) {
    const auto got = co_await next_event(**opened, until);
    if (got) {
      out.print(*got);
    } else if (until && std::chrono::steady_clock::now() >= *until) {
      co_return request.count > 0 ? exit_code::no : exit_code::done;
    } else if (got.error().is(cond::unavailable)) {
      out.lost(got.error());
      // The watch finds its way back by itself; asking without a pause would only burn time.
      co_await aio::wait_until(aio::after(std::chrono::milliseconds(200)));
    } else {
      co_return ctx.fail(got.error());
    }
  }
  co_return exit_code::done;
}

}  // namespace

result<command> make_watch(const arguments& args) {
  watch_request request;
  request.count = args.count;
  if (args.owner) {
    MCPSTATE_TRY(target, parse_selection(args));
    request.owner = target.owner;
  }
  MCPSTATE_CHECK(read_duration(request.limit, args.wait, "--timeout"));
  return command([request](context& ctx) { return watch_changes(ctx, request); });
}

}  // namespace mcpstate::cli
