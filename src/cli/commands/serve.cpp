// SPDX-License-Identifier: MIT
#include <sys/resource.h>

#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <csignal>

#include <mcpstate/aio/offload.hpp>
#include <mcpstate/open_store.hpp>

#include "aio/backoff.hh"
#include "cli/commands/commands.hh"
#include "cli/commands/serve_options.hh"
#include "cli/reach/hangups.hh"
#include "cli/reach/service_manager.hh"
#include "cli/view/json.hh"
#include "cli/view/text.hh"
#include "core/bug.hh"
#include "mcp/transport/process_thread.hh"
#include "service/operations/log.hh"
#include "service/operations/metrics.hh"
#include "service/server/server.hh"

namespace mcpstate::cli {

namespace {

using namespace std::chrono_literals;

// A stop may take 2 s: together with the time that the store and the log need, these stay below.
constexpr auto requests_timeout = 800ms;
constexpr auto programs_timeout = 400ms;
constexpr auto guard_timeout = 300ms;
constexpr auto first_store_pause = 200ms;  // between two attempts to open a store that is late
constexpr auto longest_store_pause = 2s;

// Turns what the manager reports into metrics and lines of the log.
class manager_reporter final : public manager_observer {
 public:
  explicit manager_reporter(service::process_services& process) : metrics_(process.metrics), log_(process.log) {}

  void on_transition(const managed_name& name, status from, status to, std::string_view cause) override {
    metrics_.on_transition(name, from, to, cause);
    log_.info("connection", {{"owner", name.owner},
                             {"server", name.server.text()},
                             {"from", to_text(from)},
                             {"to", to_text(to)},
                             {"why", cause}});
  }
  void on_attempt(const managed_name& name, bool ok, std::chrono::microseconds took) override {
    metrics_.on_attempt(name, ok, took);
  }
  void on_session_restarted(const managed_name& name, std::string_view reason, std::uint64_t restarts) override {
    metrics_.on_session_restarted(name, reason, restarts);
    log_.info(
        "session restarted",
        {{"owner", name.owner}, {"server", name.server.text()}, {"why", reason}, {"restarts", std::to_string(restarts)}});
  }
  void on_tools_refreshed(const managed_name& name, bool ok) override { metrics_.on_tools_refreshed(name, ok); }
  void on_lease(const managed_name& name, lease_news news) override { metrics_.on_lease(name, news); }
  void on_store_operation(std::string_view operation, std::optional<cond> failure, std::chrono::microseconds took) override {
    metrics_.on_store_operation(operation, failure, took);
  }
  void on_data_loss(loss_cause cause, std::uint64_t count) override {
    metrics_.on_data_loss(cause, count);
    constexpr const char* texts[] = {"another server answers than before", "the server was flushed",
                                     "the server was full and has removed keys"};  // in the order of loss_cause
    log_.warn("the store may have lost records", {{"why", texts[static_cast<std::size_t>(cause)]}, {"count", count}});
  }
  void on_remark(const managed_name* name, std::string_view remark, std::string_view peer) override {
    metrics_.on_remark(name, remark, peer);
    if (name == nullptr) {
      log_.warn(remark, {{"peer", peer}});
    } else {
      log_.warn(remark, {{"owner", name->owner}, {"server", name->server.text()}, {"peer", peer}});
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

std::string url_of(const asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return "http://" + (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

// Everything that a service consists of. There is one shard: shards[0], on the executor of the command.
struct running_service {
  running_service(context& c, serve_options o, environment e)
      : ctx(c),
        options(std::move(o)),
        env(std::move(e)),
        log_owner(std::make_shared<service::log>(options.style, options.level)),
        log(*log_owner),
        process(std::move(options.process), log),
        reporter(process) {
    ctx.remains = log_owner;
    options.manager.observer = &reporter;
    options.manager.client.stop_timeout = programs_timeout;
    options.server.timeouts.shutdown = requests_timeout;
    server = std::make_unique<service::server>(process, shards, options.server, ctx.executor);
  }
  // The store is open: its owners are served from now on.
  void add_shard() {
    manager = make_manager(*ctx.store, options.manager);
    shards.add(*ctx.store, *manager, process);
  }
  context& ctx;
  serve_options options;
  environment env;
  std::shared_ptr<service::log> log_owner;
  service::log& log;
  service::process_services process;
  manager_reporter reporter;
  std::unique_ptr<mcpstate::manager> manager;  // null until the store is open
  service::shard_set shards;
  std::unique_ptr<service::server> server;
};

std::size_t known_servers(const running_service& r) {
  const auto servers = r.process.servers();
  return servers ? servers->all().size() : 0;
}

std::vector<std::string> urls_of(const running_service& r) {
  std::vector<std::string> out;
  for (const auto& endpoint : r.server->endpoints()) out.push_back(url_of(endpoint));
  return out;
}

void announce_ready(running_service& r) {
  auto& ctx = r.ctx;
  const std::vector<std::string> urls = urls_of(r);
  notify_service_manager("READY=1\nSTATUS=serving");
  if (ctx.screen.json()) {
    object_writer out;
    out.raw("listening", json_array(urls)).text("store", ctx.store->description()).number("servers", known_servers(r));
    ctx.screen.line(out.str());
  } else {
    std::string listening;
    for (const auto& url : urls) listening += (listening.empty() ? "" : ", ") + url;
    ctx.screen.line("mcpstate is serving on " + listening + " (store: " + ctx.store->description() + "; " +
                    counted(known_servers(r), "server") + " known)");
  }
  ctx.screen.flush();
}

void log_remarks(running_service& r, const server_registry& servers) {
  for (const auto& remark : servers.remarks()) r.log.warn("servers file", {{"remark", remark}});
  for (const auto& [name, one] : servers.all()) {
    if (!one.fault.empty()) r.log.error("servers file", {{"server", name}, {"why", one.fault}});
  }
  if (const auto shared = shared_programs_text(servers); !shared.empty()) r.log.warn("servers file", {{"remark", shared}});
}

// Disconnects a disabled server for every owner, whichever instance manages the connection. The log shows the progress.
asio::awaitable<void> disconnect_disabled(running_service& r, std::string name) {
  auto last_line = std::chrono::steady_clock::now();
  progress_handler progress = [&r, &last_line, name](std::uint64_t done, std::string_view) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_line < 1s) return;
    last_line = now;
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

asio::awaitable<void> disconnect_all_disabled(running_service& r) {
  const auto servers = r.process.servers();
  if (!servers) co_return;
  for (const auto& [name, server] : servers->all()) {
    if (server.disabled && !r.ctx.stopping) co_await disconnect_disabled(r, name);
  }
}

// Runs a job that waits for a file away from the executor.
template <class Job>
auto read_file(running_service& r, Job job) {
  return aio::offload(r.process.background, std::move(job));
}

// Reads the servers file again. An invalid file changes nothing.
asio::awaitable<void> reload_servers(running_service& r) {
  if (r.options.servers_path.empty()) co_return;
  auto reading = read_file(r, [path = r.options.servers_path, env = r.env] { return read_servers(path, env); });
  auto servers = co_await std::move(reading);
  if (!servers) {
    r.log.error("the servers stay as they were", {{"why", servers.error().detail()}});
    co_return;
  }
  log_remarks(r, **servers);
  r.process.set_servers(*servers);
  for (const auto& shard : r.shards.all()) shard->manager.set_servers(*servers);
  r.log.info("servers file read", {{"servers", (*servers)->all().size()}});
  co_await disconnect_all_disabled(r);
}

asio::awaitable<void> reload_tokens(running_service& r) {
  if (r.options.token_path.empty()) co_return;
  auto reading = read_file(r, [path = r.options.token_path] { return service::read_access_keys(path); });
  auto keys = co_await std::move(reading);
  if (keys) {
    r.process.set_keys(std::move(*keys));
    r.server->recheck_tokens();
    r.log.info("token file read");
  } else {
    r.log.error("the tokens stay as they were", {{"why", keys.error().detail()}});
  }
}

// Whether a store that cannot be opened may be there soon: it is being started, or its name is not known yet.
bool may_come_later(const error& reason) {
  constexpr errc causes[] = {errc::resolve_failed, errc::connect_failed, errc::connection_lost, errc::deadline,
                             errc::loading};
  return std::find(std::begin(causes), std::end(causes), reason.code()) != std::end(causes);
}

task<void> open_own_store(running_service& r) {
  store_options options = r.ctx.config.options;
  // serve() closes the store before the service goes.
  options.on_stale_credentials = [&r](std::string_view cause) {
    r.process.metrics.on_remark(nullptr, cause, {});
    r.log.warn("the credentials of the store stay as they were", {{"why", cause}});
  };
  auto opened = co_await open_store(r.ctx.executor, r.ctx.config.url, std::move(options));
  if (!opened) {
    if (r.ctx.stopping) co_return error(errc::stopped, "opening the store");
    co_return opened.error();
  }
  r.ctx.store = std::move(*opened);
  r.add_shard();
  co_return result<void>();
}

// Listens meanwhile: whoever asks learns that the process lives and is not ready, and no service manager starts it again and
// again until it gives up.
task<void> wait_for_store(running_service& r, error reason) {
  MCPSTATE_CO_CHECK(co_await r.server->listen());
  notify_service_manager("READY=1\nSTATUS=waiting for the store");
  std::string listening, last_reason;
  for (const std::string& url : urls_of(r)) listening += (listening.empty() ? "" : ", ") + url;
  for (int attempt = 1;; ++attempt) {
    if (reason.detail() != last_reason)
      r.log.warn("waiting for the store", {{"listening", listening}, {"why", reason.detail()}});
    last_reason = reason.detail();
    const bool waited = co_await aio::wait_until(aio::after(aio::backoff(attempt, first_store_pause, longest_store_pause)));
    if (!waited || r.ctx.stopping) co_return error(errc::stopped, "waiting for the store");
    auto opened = co_await open_own_store(r);
    if (opened || !may_come_later(opened.error())) co_return opened;
    reason = opened.error();
  }
}

// Opens the store and listens, in whichever order the store allows.
task<void> begin_serving(running_service& r) {
  auto opened = co_await open_own_store(r);
  if (opened) co_return co_await r.server->listen();
  if (!may_come_later(opened.error())) co_return opened.error();
  error reason = opened.error();
  co_return co_await wait_for_store(r, std::move(reason));
}

asio::awaitable<int> serve_until_stopped(running_service& r) {
  asio::signal_set hangups(r.ctx.executor, SIGHUP);
  release_hangups();
  const auto begun = co_await begin_serving(r);
  if (!begun && r.ctx.interrupted(begun.error())) co_return exit_code::done;
  if (!begun) co_return r.ctx.fail(begun.error());
  if (const auto servers = r.process.servers()) log_remarks(r, *servers);
  announce_ready(r);
  co_await disconnect_all_disabled(r);
  while (!r.ctx.stopping) {
    auto [ec, number] = co_await hangups.async_wait(aio::use_ec);
    static_cast<void>(number);
    if (ec) continue;
    co_await reload_tokens(r);  // first, because a revoked token must not wait for anything
    co_await reload_servers(r);
  }
  r.log.info("stopping");
  notify_service_manager("STOPPING=1");
  co_return exit_code::done;
}

asio::awaitable<int> serve(context& ctx, serve_options options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  allow_many_descriptors();
  mcp::process_thread::instance().contain_orphans();
  running_service r(ctx, std::move(options), process_environment());
  int code = exit_code::no;
  std::string bug;  // whatever it is: what runs has to end before it is destroyed
  try {
    code = co_await serve_until_stopped(r);
  } catch (...) {
    bug = caught_text();
  }
  if (!bug.empty()) code = ctx.fail(error(errc::bug, "internal error: " + bug));
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  co_await r.server->close();
  if (r.manager) co_await r.manager->close();
  if (r.ctx.store) co_await r.ctx.store->close();
  aio::thread_answer<bool> released(ctx.executor);
  mcp::process_thread::instance().release_guard(released.make_giver());
  co_await released.wait(aio::after(guard_timeout));
  co_return code;
}

}  // namespace

result<command> make_serve(const arguments& args) {
  auto options = choose_serve_options(args.serve, process_environment());
  if (!options) return options.error();
  command out([options = std::move(*options)](context& ctx) { return serve(ctx, options); });
  out.until_signal = true;
  out.opens_store = true;
  return out;
}

}  // namespace mcpstate::cli
