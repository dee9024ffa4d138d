// SPDX-License-Identifier: MIT
#include "cli/reach/run.hh"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/open_store.hpp>

#include "cli/reach/local_redis.hh"
#include "cli/view/error_text.hh"
#include "core/bug.hh"

namespace mcpstate::cli {

namespace {

struct running_command {
  running_command(asio::io_context& io, const command& chosen, const settings& config, terminal& screen)
      : definition(chosen),
        ctx(io.get_executor(), config, screen),
        signals(io, SIGINT, SIGTERM),
        group(io.get_executor(), [this](const std::string&, const std::string& cause) { end(cause); }) {}
  // An exception that no part of the command expects, such as memory that is missing.
  void end(const std::string& cause) {
    code = ctx.fail(error(errc::bug, "internal error: " + cause));
    signals.cancel();
  }
  const command& definition;
  context ctx;
  int code = exit_code::no;
  int signal = 0;  // by which it was interrupted
  asio::signal_set signals;
  aio::task_group group;
};

void wait_for_signal(running_command& r) {
  r.signals.async_wait([&r](boost::system::error_code ec, int number) {
    if (ec) return;
    // The second one is from somebody who does not want to wait for the clean way.
    if (r.signal != 0) ::_exit(exit_code::signal + number);
    r.signal = number;
    r.ctx.stopping = true;
    r.group.request_stop();
    wait_for_signal(r);
  });
}

asio::awaitable<void> run_body(running_command& r) {
  std::string bug;
  try {
    r.code = co_await r.definition.run(r.ctx);
  } catch (...) {
    bug = caught_text();
  }
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (!bug.empty()) r.code = r.ctx.fail(error(errc::bug, "internal error: " + bug));
  if (!r.ctx.store) co_return;
  if (r.code == exit_code::done && !r.ctx.stopping && !r.ctx.screen.json()) {
    r.ctx.screen.note("store: " + r.ctx.store->description());
    co_await mention_local_redis(r.ctx);
  }
  co_await r.ctx.store->close();
}

asio::awaitable<void> open_and_run(running_command& r) {
  co_await asio::this_coro::throw_if_cancelled(false);
  r.ctx.screen.note(r.ctx.config.remark);
  if (r.ctx.config.has_store && !r.definition.opens_store) {
    auto options = r.ctx.config.options;
    options.allow_read_only = r.definition.only_reads;
    auto opened = co_await open_store(r.ctx.executor, r.ctx.config.url, options);
    if (!opened) {
      const auto& cause = opened.error();
      const bool own_report = r.definition.without_store && !cause.is(cond::cancelled);
      r.code = own_report ? r.definition.without_store(r.ctx, cause) : r.ctx.fail(cause);
      if (r.definition.until_signal && r.ctx.stopping) r.code = exit_code::done;
      r.signals.cancel();
      co_return;
    }
    r.ctx.store = std::move(*opened);
  }
  co_await run_body(r);
  r.signals.cancel();
}

}  // namespace

int context::fail(const error& e, error_source source) {
  if (!interrupted(e)) screen.fail(e, source == error_source::store ? store_error_text(e) : e.full_text());
  return exit_code_of(e, source);
}

int run(const command& definition, const settings& config, terminal& screen) {
  asio::io_context io(1);
  running_command r(io, definition, config, screen);
  wait_for_signal(r);
  r.group.spawn("command", open_and_run(r));
  io.run();
  return r.signal != 0 && !definition.until_signal ? exit_code::signal + r.signal : r.code;
}

}  // namespace mcpstate::cli
