// SPDX-License-Identifier: MIT
#include <sys/resource.h>

#include <boost/asio/signal_set.hpp>

#include <csignal>

#include "cli/commands/serve_options.hh"
#include "cli/commands/table.hh"
#include "cli/view/text.hh"
#include "core/json/text.hh"
#include "service/operations/metrics.hh"

namespace mcpstate::cli {

namespace {

using namespace std::chrono_literals;

// Together with what the store needs they stay below the 2 s that a stop may take.
constexpr auto requests_may_take = 800ms;
constexpr auto programs_may_take = 400ms;

// What the manager tells: figures, and lines in the log.
class teller final : public manager_observer {
 public:
  teller(service::metrics& figures, service::log& journal) : figures_(figures), journal_(journal) {}

  void on_transition(const managed_name& of, status from, status to, std::string_view why) override {
    figures_.on_transition(of, from, to, why);
    journal_.info(
        "connection",
        {{"owner", of.whose}, {"server", of.server.text()}, {"from", to_text(from)}, {"to", to_text(to)}, {"why", why}});
  }
  void on_attempt(const managed_name& of, bool ok, std::chrono::microseconds took) override {
    figures_.on_attempt(of, ok, took);
  }
  void on_tools_refreshed(const managed_name& of, bool ok) override { figures_.on_tools_refreshed(of, ok); }
  void on_lease(const managed_name& of, lease_news what) override { figures_.on_lease(of, what); }
  void on_remark(const managed_name* of, std::string_view what, std::string_view peer) override {
    figures_.on_remark(of, what, peer);
    if (of == nullptr) {
      journal_.warn(what, {{"peer", peer}});
    } else {
      journal_.warn(what, {{"owner", of->whose}, {"server", of->server.text()}, {"peer", peer}});
    }
  }

 private:
  service::metrics& figures_;
  service::log& journal_;
};

// Thousands of clients need as many descriptors.
void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

std::size_t known_servers(const manager& keeping) {
  const auto& servers = keeping.options().servers;
  return servers ? servers->all().size() : 0;
}

std::string url_of(const asio::ip::tcp::endpoint& at) {
  const std::string host = at.address().to_string();
  return "http://" + (at.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(at.port());
}

void tell_ready(context& ctx, const service::server& web, const manager& keeping) {
  std::vector<std::string> urls;
  for (const auto& at : web.endpoints()) urls.push_back(url_of(at));
  if (ctx.screen.json()) {
    std::string out = "{";
    json_members members(out);
    members.raw("listening", json_array(urls));
    members.text("store", ctx.store->description());
    members.number("servers", known_servers(keeping));
    ctx.screen.line(out + "}");
  } else {
    std::string where;
    for (const auto& url : urls) where += (where.empty() ? "" : ", ") + url;
    ctx.screen.line("mcpstate is serving on " + where + " (store: " + ctx.store->description() + "; " +
                    counted(known_servers(keeping), "server") + " known)");
  }
  ctx.screen.flush();
}

struct running_service {
  running_service(context& c, serve_options o, surroundings a)
      : ctx(c), options(std::move(o)), around(std::move(a)), journal(options.style, options.level), told(figures, journal) {
    options.keep.observer = &told;
    options.keep.client.stop_timeout = programs_may_take;
    options.web.timeouts.shutdown = requests_may_take;
    keeping = make_manager(*ctx.store, options.keep);
    web = std::make_unique<service::server>(*ctx.store, *keeping, options.web, figures, journal);
  }
  context& ctx;
  serve_options options;
  surroundings around;
  service::metrics figures;
  service::log journal;
  teller told;
  std::unique_ptr<manager> keeping;
  std::unique_ptr<service::server> web;
};

void tell_remarks(running_service& r, const server_registry& servers) {
  for (const auto& remark : servers.remarks()) r.journal.warn("servers file", {{"remark", remark}});
}

// Disconnected for every owner, wherever each is kept. The log tells how far it is.
asio::awaitable<void> end_disabled(running_service& r, std::string name) {
  auto told = std::chrono::steady_clock::now();
  progress_handler progress = [&r, &told, name](std::uint64_t done, std::string_view) {
    const auto now = std::chrono::steady_clock::now();
    if (now - told < 1s) return;
    told = now;
    r.journal.info("disconnecting a disabled server", {{"server", name}, {"looked_at", done}});
  };
  auto work = r.keeping->disconnect_everywhere(name, std::move(progress));
  const auto count = co_await std::move(work);
  if (!count) {
    r.journal.error("a disabled server is not disconnected everywhere", {{"server", name}, {"why", count.error().detail()}});
  } else if (*count > 0) {
    r.journal.info("a disabled server is disconnected", {{"server", name}, {"connections", *count}});
  }
}

asio::awaitable<void> end_all_disabled(running_service& r) {
  const auto servers = r.keeping->options().servers;
  if (!servers) co_return;
  for (const auto& [name, server] : servers->all()) {
    if (server.disabled && !r.ctx.stopping) co_await end_disabled(r, name);
  }
}

// A file that is wrong changes nothing.
asio::awaitable<void> reload_servers(running_service& r) {
  if (r.options.servers_path.empty()) co_return;
  auto servers = read_servers(r.options.servers_path, r.around);
  if (!servers) {
    r.journal.error("the servers stay as they were", {{"why", servers.error().detail()}});
    co_return;
  }
  tell_remarks(r, **servers);
  r.keeping->set_servers(*servers);
  r.journal.info("servers file read", {{"servers", (*servers)->all().size()}});
  co_await end_all_disabled(r);
}

void reload_tokens(running_service& r) {
  if (r.options.token_path.empty()) return;
  auto keys = service::read_access_keys(r.options.token_path);
  if (keys) {
    r.web->set_keys(std::move(*keys));
    r.journal.info("token file read");
  } else {
    r.journal.error("the tokens stay as they were", {{"why", keys.error().detail()}});
  }
}

asio::awaitable<int> serve_until_stopped(running_service& r) {
  asio::signal_set hangups(r.ctx.executor, SIGHUP);
  const auto listening = co_await r.web->listen();
  if (!listening) co_return r.ctx.fail(listening.error());
  if (r.options.keep.servers) tell_remarks(r, *r.options.keep.servers);
  tell_ready(r.ctx, *r.web, *r.keeping);
  co_await end_all_disabled(r);
  while (!r.ctx.stopping) {
    auto [ec, number] = co_await hangups.async_wait(aio::use_ec);
    static_cast<void>(number);
    if (ec) continue;
    reload_tokens(r);  // first: a token that was taken away waits for nothing
    co_await reload_servers(r);
  }
  r.journal.info("stopping");
  co_return exits::done;
}

asio::awaitable<int> serve(context& ctx, serve_options options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  allow_many_descriptors();
  running_service r(ctx, std::move(options), process_surroundings());
  int code = exits::no;
  std::string bug;  // whatever it is: what runs must come to its end before it goes
  try {
    code = co_await serve_until_stopped(r);
  } catch (const std::exception& e) {
    bug = e.what();
  }
  if (!bug.empty()) code = ctx.fail(error(errc::bug, "internal error: " + bug));
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  co_await r.web->close();
  co_await r.keeping->close();
  co_return code;
}

}  // namespace

result<command> make_serve(const arguments& args) {
  auto options = choose_serve_options(args.serve, process_surroundings());
  if (!options) return options.error();
  // Until there is somebody who waits for it: a reload that comes early must not end the start.
  std::signal(SIGHUP, SIG_IGN);
  command out;
  out.until_signal = true;
  out.run = [options = std::move(*options)](context& ctx) { return serve(ctx, options); };
  return out;
}

}  // namespace mcpstate::cli
