// SPDX-License-Identifier: MIT
#include "manager/manager_context.hh"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <utility>

#include "core/bug.hh"
#include "manager/fleet/fleet_rules.hh"

namespace mcpstate {

namespace {

std::string make_instance_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::array<char, 32> tail{};
  std::snprintf(tail.data(), tail.size(), "-%ld-%08x", static_cast<long>(::getpid()), std::random_device()());
  return std::string(host.data()) + tail.data();
}

manager_options with_instance_name(manager_options options) {
  if (options.instance.empty()) options.instance = make_instance_name();
  return options;
}

destination_rules rules_of(const manager_options& options) {
  destination_rules out;
  out.protocol = options.client.protocol;
  out.egress = options.client.egress;
  out.egress_for_urls = options.egress_for_urls;
  return out;
}

measured_leases::handler tell_operations(manager_observer* observer) {
  if (observer == nullptr) return {};
  return [observer](std::string_view operation, std::optional<cond> failure, std::chrono::microseconds took) {
    observer->on_store_operation(operation, failure, took);
  };
}

asio::awaitable<void> close_link(std::shared_ptr<server_link> link) { co_await link->close(); }

asio::awaitable<void> close_client(std::unique_ptr<mcp::client> client) { co_await client->close(); }

}  // namespace

manager_context::manager_context(store& records, manager_options options)
    : records_(records),
      options_(with_instance_name(std::move(options))),
      leases_(records.leases(), tell_operations(options_.observer)),
      rules_(rules_of(options_)),
      reach_(reach_of(rules_, options_.servers.get())),
      attempts_(options_.attempts_per_origin),
      pauses_(options_.last_retry),
      startups_(options_.first_startup_timeout, options_.startup_timeout),
      eras_(options_.client.eras ? options_.client.eras : std::make_shared<mcp::era_memory>()),
      messages_(std::make_shared<byte_budget>(options_.message_bytes, options_.owner_message_bytes)),
      random_(std::random_device()()),
      closing_sessions_(records.executor(), [this](const std::string&, const std::string& what) {
        remark("a session could not be ended", bug_error("its closing", what));
      }) {}

std::chrono::milliseconds manager_context::lease_span() const {
  return mcpstate::lease_span(options_.lease_time, options_.beat_every);
}

supervisor_fsm::tick_context manager_context::tick() {
  std::uniform_real_distribution<double> uniform(0, 1);
  return {supervisor_fsm::clock::now(), uniform(random_)};
}

result<destination> manager_context::find(const endpoint& target) const {
  return find_destination(target, rules_, options_.servers.get());
}

std::shared_ptr<const server_registry> manager_context::set_servers(std::shared_ptr<const server_registry> servers) {
  auto before = std::exchange(options_.servers, std::move(servers));
  reach_ = reach_of(rules_, options_.servers.get());
  return before;
}

mcp::client_options manager_context::client_options_of(const managed_name& name) const {
  mcp::client_options out = options_.client;
  out.eras = eras_;
  out.message_budget = messages_;
  out.message_owner = name.owner.text();
  if (options_.observer == nullptr) return out;
  out.on_oddity = [observer = options_.observer, name](const std::string& text, const std::string& peer) {
    observer->on_remark(&name, text, peer);
  };
  return out;
}

instance_report manager_context::report(std::size_t leases) const {
  instance_report out;
  out.name = options_.instance;
  out.address = options_.address;
  out.reach = reach_;
  out.managed = leases;
  return out;
}

std::set<std::string> manager_context::reaches_of_others() const { return other_reaches(fleet_, report(0)); }

task<data_losses> manager_context::find_losses() {
  MCPSTATE_CO_TRY(found, co_await records_.leases().losses());
  losses_ = found;
  co_return found;
}

task<lease> manager_context::take_claimed_lease(lease at_session) {
  const error lost(errc::lease_lost, at_session.name.text() + " is managed here no more");
  MCPSTATE_CO_TRY(note, co_await leases_.lease_of(at_session.name));
  auto user = note ? claimed_user(note->holder) : std::nullopt;
  if (!user) co_return lost;
  managed_name moved(std::move(*user), at_session.name.server);
  MCPSTATE_CO_TRY(granted, co_await leases_.lease_of(std::move(moved)));
  if (!granted || granted->holder != at_session.holder) co_return lost;
  std::vector<lease> renewed(1, *granted);
  MCPSTATE_CO_TRY(gone, co_await leases_.renew_leases(std::move(renewed), lease_span()));
  if (!gone.empty()) co_return lost;
  co_return std::move(*granted);
}

asio::awaitable<bool> manager_context::may_hold(lease granted) {
  auto running = co_await leases_.lease_of(granted.name);
  co_return !running || (*running && **running == granted);
}

void manager_context::close_later(std::shared_ptr<server_link> link) {
  closing_sessions_.spawn("end a session", close_link(std::move(link)));
}

void manager_context::close_later(std::unique_ptr<mcp::client> client) {
  closing_sessions_.spawn("end a session", close_client(std::move(client)));
}

void manager_context::report_lease(const managed_name& name, manager_observer::lease_news news) const {
  if (options_.observer != nullptr) options_.observer->on_lease(name, news);
}

void manager_context::remark(const managed_name& name, std::string_view text, std::string_view peer) const {
  if (options_.observer != nullptr) options_.observer->on_remark(&name, text, peer);
}

void manager_context::remark(std::string_view text, const error& reason) const {
  if (options_.observer == nullptr) return;
  options_.observer->on_remark(nullptr, std::string(text) + ": " + reason.detail(), reason.peer_text());
}

}  // namespace mcpstate
