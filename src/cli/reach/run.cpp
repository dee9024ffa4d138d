// SPDX-License-Identifier: MIT
#include "cli/reach/run.hh"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/open_store.hpp>

#include "cli/reach/local_redis.hh"
#include "cli/view/text.hh"

namespace mcpstate::cli {

namespace {

constexpr int signal_exit = 128;  // plus its number: what shells expect

// What to do, where the detail does not say it itself.
const char* advice(errc code) noexcept {
  switch (code) {
    case errc::resolve_failed:
    case errc::connect_failed:
      return "is it running, and is --store or REDIS_URL right?";
    case errc::connection_lost:
    case errc::loading:
      return "try again in a moment";
    case errc::deadline:
      return "is the host right? --timeout waits longer";
    case errc::auth_failed:
      return "check user and password in the store's URL";
    case errc::tls_failed:
      return "use rediss:// only for a TLS port, and --ca-file for a private authority";
    case errc::protocol:
      return "is --store or REDIS_URL right?";
    case errc::outcome_unknown:
      return "it may or may not have happened: look with mcpstate show";
    case errc::stale_basis:
      return "look with mcpstate show, then try again";
    case errc::read_only:
      return "write to the primary, or see what mcpstate doctor says";
    case errc::out_of_memory:
      return "raise maxmemory, or clear what is not needed";
    case errc::disk_full:
      return "free some space, or name another place with --store";
    case errc::storage_failed:
      return "does it name a file that can be written, and has the disk room?";
    default:
      return nullptr;
  }
}

struct running {
  running(asio::io_context& io, const command& to_run, const settings& config, terminal& screen)
      : what(to_run), ctx(io.get_executor(), config, screen), signals(io, SIGINT, SIGTERM), group(io.get_executor()) {}
  const command& what;
  context ctx;
  int code = exits::no;
  int interrupted = 0;  // by which signal
  asio::signal_set signals;
  aio::task_group group;
};

void wait_for_signal(running& r) {
  r.signals.async_wait([&r](boost::system::error_code ec, int number) {
    if (ec) return;
    // The second one is from somebody who does not want to wait for the clean way.
    if (r.interrupted != 0) ::_exit(signal_exit + number);
    r.interrupted = number;
    r.ctx.stopping = true;
    r.group.request_stop();
    wait_for_signal(r);
  });
}

asio::awaitable<void> run_command(running& r) {
  std::string bug;
  try {
    r.code = co_await r.what.run(r.ctx);
  } catch (const std::exception& e) {
    bug = e.what();
  }
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (!bug.empty()) r.code = r.ctx.fail(error(errc::bug, "internal error: " + bug));
  if (!r.ctx.store) co_return;
  if (r.code == exits::done && !r.ctx.stopping && !r.ctx.screen.json()) {
    r.ctx.screen.note("store: " + r.ctx.store->description());
    co_await mention_local_redis(r.ctx);
  }
  co_await r.ctx.store->close();
}

asio::awaitable<void> open_and_run(running& r) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto opened = co_await open_store(r.ctx.executor, r.ctx.config.url, r.ctx.config.options);
  if (!opened) {
    const auto& why = opened.error();
    const bool own = r.what.without_store && !why.is(cond::cancelled);
    r.code = own ? r.what.without_store(r.ctx, why) : r.ctx.fail(why);
    if (r.what.until_signal && r.ctx.stopping) r.code = exits::done;
  } else {
    r.ctx.store = std::move(*opened);
    co_await run_command(r);
  }
  r.signals.cancel();
}

asio::awaitable<void> run_alone(running& r) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await run_command(r);
  r.signals.cancel();
}

}  // namespace

int exit_code_of(const error& e, blame whose) noexcept {
  if (whose == blame::input) return exits::usage;
  switch (e.condition()) {
    case cond::not_found:
    case cond::conflict:
    case cond::internal:
    case cond::cancelled:
      return exits::no;
    case cond::invalid:
      return exits::usage;
    case cond::unauthorized:
    case cond::unavailable:
    case cond::outcome_unknown:
    case cond::timeout:
    case cond::corrupt:
    case cond::exhausted:
      return exits::unreachable;
  }
  return exits::no;
}

std::string line_of(const error& e) {
  std::string out = e.detail();
  const char* what_to_do = advice(e.code());
  const bool said = out.find("; ") != std::string::npos;
  if (what_to_do != nullptr && !said) out.append("; ").append(what_to_do);
  if (!e.peer_text().empty()) out += " (it says: " + e.peer_text() + ")";
  return out;
}

int context::fail(const error& e, blame whose) {
  if (!stopping && !e.is(cond::cancelled)) screen.fail(whose == blame::store ? line_of(e) : e.full_text());
  return exit_code_of(e, whose);
}

int run(const command& what, const settings& config, terminal& screen) {
  asio::io_context io(1);
  running r(io, what, config, screen);
  wait_for_signal(r);
  r.group.spawn("command", config.has_store ? open_and_run(r) : run_alone(r));
  io.run();
  return r.interrupted != 0 && !what.until_signal ? signal_exit + r.interrupted : r.code;
}

}  // namespace mcpstate::cli
