// SPDX-License-Identifier: MIT
#include <sys/resource.h>

#include <boost/asio/signal_set.hpp>

#include <csignal>

#include "cli/commands/commands.hh"
#include "cli/commands/serve_options.hh"
#include "cli/view/json.hh"
#include "cli/view/text.hh"
#include "service/operations/metrics.hh"

namespace mcpstate::cli {

namespace {

using namespace std::chrono_literals;

// Together with what the store needs they stay below the 2 s that a stop may take.
constexpr auto request_grace = 800ms;
constexpr auto program_grace = 400ms;

// What the manager reports: metrics, and lines in the log.
class service_observer final : public manager_observer {
 public:
  service_observer(service::metrics& metrics, service::log& log) : metrics_(metrics), log_(log) {}

  void on_transition(const managed_name& of, status from, status to, std::string_view why) override {
    metrics_.on_transition(of, from, to, why);
    log_.info(
        "connection",
        {{"owner", of.whose}, {"server", of.server.text()}, {"from", to_text(from)}, {"to", to_text(to)}, {"why", why}});
  }
  void on_attempt(const managed_name& of, bool ok, std::chrono::microseconds took) override {
    metrics_.on_attempt(of, ok, took);
  }
  void on_tools_refreshed(const managed_name& of, bool ok) override { metrics_.on_tools_refreshed(of, ok); }
  void on_lease(const managed_name& of, lease_news what) override { metrics_.on_lease(of, what); }
  void on_remark(const managed_name* of, std::string_view what, std::string_view peer) override {
    metrics_.on_remark(of, what, peer);
    if (of == nullptr) {
      log_.warn(what, {{"peer", peer}});
    } else {
      log_.warn(what, {{"owner", of->whose}, {"server", of->server.text()}, {"peer", peer}});
    }
  }

 private:
  service::metrics& metrics_;
  service::log& log_;
};

// Thousands of clients need as many descriptors.
void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

std::size_t known_servers(const manager& running) {
  const auto& servers = running.options().servers;
  return servers ? servers->all().size() : 0;
}

std::string url_of(const asio::ip::tcp::endpoint& at) {
  const std::string host = at.address().to_string();
  return "http://" + (at.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(at.port());
}

void print_ready(context& ctx, const service::server& web, const manager& running) {
  std::vector<std::string> urls;
  for (const auto& at : web.endpoints()) urls.push_back(url_of(at));
  if (ctx.screen.json()) {
    json_object out;
    out.raw("listening", json_array(urls)).text("store", ctx.store->description()).number("servers", known_servers(running));
    ctx.screen.line(out.str());
  } else {
    std::string where;
    for (const auto& url : urls) where += (where.empty() ? "" : ", ") + url;
    ctx.screen.line("mcpstate is serving on " + where + " (store: " + ctx.store->description() + "; " +
                    counted(known_servers(running), "server") + " known)");
  }
  ctx.screen.flush();
}

struct running_service {
  running_service(context& c, serve_options o, environment e)
      : ctx(c), options(std::move(o)), env(std::move(e)), log(options.style, options.level), observer(metrics, log) {
    options.manager.observer = &observer;
    options.manager.client.stop_timeout = program_grace;
    options.web.timeouts.shutdown = request_grace;
    manager = make_manager(*ctx.store, options.manager);
    web = std::make_unique<service::server>(*ctx.store, *manager, options.web, metrics, log);
  }
  context& ctx;
  serve_options options;
  environment env;
  service::metrics metrics;
  service::log log;
  service_observer observer;
  std::unique_ptr<mcpstate::manager> manager;
  std::unique_ptr<service::server> web;
};

void log_remarks(running_service& r, const server_registry& servers) {
  for (const auto& remark : servers.remarks()) r.log.warn("servers file", {{"remark", remark}});
}

// Disconnected for every owner, wherever each is kept. The log tells how far it is.
asio::awaitable<void> end_disabled(running_service& r, std::string name) {
  auto told = std::chrono::steady_clock::now();
  progress_handler progress = [&r, &told, name](std::uint64_t done, std::string_view) {
    const auto now = std::chrono::steady_clock::now();
    if (now - told < 1s) return;
    told = now;
    r.log.info("disconnecting a disabled server", {{"server", name}, {"looked_at", done}});
  };
  auto work = r.manager->disconnect_everywhere(name, std::move(progress));
  const auto count = co_await std::move(work);
  if (!count) {
    r.log.error("a disabled server is not disconnected everywhere", {{"server", name}, {"why", count.error().detail()}});
  } else if (*count > 0) {
    r.log.info("a disabled server is disconnected", {{"server", name}, {"connections", *count}});
  }
}

asio::awaitable<void> end_all_disabled(running_service& r) {
  const auto servers = r.manager->options().servers;
  if (!servers) co_return;
  for (const auto& [name, server] : servers->all()) {
    if (server.disabled && !r.ctx.stopping) co_await end_disabled(r, name);
  }
}

// A file that is wrong changes nothing.
asio::awaitable<void> reload_servers(running_service& r) {
  if (r.options.servers_path.empty()) co_return;
  auto servers = read_servers(r.options.servers_path, r.env);
  if (!servers) {
    r.log.error("the servers stay as they were", {{"why", servers.error().detail()}});
    co_return;
  }
  log_remarks(r, **servers);
  r.manager->set_servers(*servers);
  r.log.info("servers file read", {{"servers", (*servers)->all().size()}});
  co_await end_all_disabled(r);
}

void reload_tokens(running_service& r) {
  if (r.options.token_path.empty()) return;
  auto keys = service::read_access_keys(r.options.token_path);
  if (keys) {
    r.web->set_keys(std::move(*keys));
    r.log.info("token file read");
  } else {
    r.log.error("the tokens stay as they were", {{"why", keys.error().detail()}});
  }
}

asio::awaitable<int> serve_until_stopped(running_service& r) {
  asio::signal_set hangups(r.ctx.executor, SIGHUP);
  const auto listening = co_await r.web->listen();
  if (!listening) co_return r.ctx.fail(listening.error());
  if (r.options.manager.servers) log_remarks(r, *r.options.manager.servers);
  print_ready(r.ctx, *r.web, *r.manager);
  co_await end_all_disabled(r);
  while (!r.ctx.stopping) {
    auto [ec, number] = co_await hangups.async_wait(aio::use_ec);
    static_cast<void>(number);
    if (ec) continue;
    reload_tokens(r);  // first: a token that was taken away waits for nothing
    co_await reload_servers(r);
  }
  r.log.info("stopping");
  co_return exit_code::done;
}

asio::awaitable<int> serve(context& ctx, serve_options options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  allow_many_descriptors();
  running_service r(ctx, std::move(options), process_environment());
  int code = exit_code::no;
  std::string bug;  // whatever it is: what runs must come to its end before it goes
  try {
    code = co_await serve_until_stopped(r);
  } catch (const std::exception& e) {
    bug = e.what();
  }
  if (!bug.empty()) code = ctx.fail(error(errc::bug, "internal error: " + bug));
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  co_await r.web->close();
  co_await r.manager->close();
  co_return code;
}

}  // namespace

result<command> make_serve(const arguments& args) {
  auto options = choose_serve_options(args.serve, process_environment());
  if (!options) return options.error();
  // Until there is somebody who waits for it: a reload that comes early must not end the start.
  std::signal(SIGHUP, SIG_IGN);
  command out([options = std::move(*options)](context& ctx) { return serve(ctx, options); });
  out.until_signal = true;
  return out;
}

}  // namespace mcpstate::cli
