// SPDX-License-Identifier: MIT
#include "component/manager/manager_fixture.hh"

namespace mcpstate::test {

using namespace std::chrono_literals;

manager_options quick_options() {
  manager_options out;
  out.lease_time = 3s;
  out.beat_every = 50ms;
  out.check_every = 300ms;
  out.first_retry = 50ms;
  out.last_retry = 400ms;
  out.client = test_options();
  out.egress_for_urls = mcp::egress_policy::open();
  return out;
}

std::shared_ptr<const server_registry> registry(const std::string& servers) {
  const auto none = [](const std::string&) { return std::optional<std::string>(); };
  return std::make_shared<server_registry>(server_registry::parse(R"({"mcpServers":)" + servers + "}", none).value());
}

void announcing_server::start() {
  http_ = std::make_unique<scripted_server>(executor_, [this](const http_seen& request) { return answer(request); }, port_);
  port_ = http_->port();
  url_ = http_->url();
}

asio::awaitable<void> announcing_server::stop() {
  streams_.clear();
  co_await http_->close();
}

void announcing_server::announce() {
  for (const auto& each : streams_) {
    if (!each->gone) each->add("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n");
  }
}

void announcing_server::end_streams() {
  for (const auto& each : std::exchange(streams_, {})) each->end();
}

void announcing_server::set_tools(std::string json) {
  tools = std::move(json);
  announce();
}

http_reply announcing_server::answer(const http_seen& request) {
  if (request.method == "GET") {
    streams_.push_back(std::make_shared<http_rest>());
    return open_stream_reply(": here\n\n", streams_.back());
  }
  if (request.method == "DELETE") {
    ++ended_;
    return empty_reply(200);
  }
  if (instead) return *instead;
  const auto id = request.headers.find("mcp-session-id");
  if (id != request.headers.end() && std::stol(id->second.substr(1)) <= forgotten_)
    return json_reply(200, R"({"jsonrpc":"2.0","id":)" + (request.rpc_id.empty() ? "null" : request.rpc_id) +
                               R"(,"error":{"code":-32001,"message":"Session not found"}})");
  if (request.rpc_method == "server/discover") return empty_reply(400);
  if (request.rpc_method == "tools/list" && announces_each_list) announce();
  if (request.rpc_method == "tools/list") return result_reply(request, R"({"tools":)" + tools + "}");
  if (request.rpc_method == "tools/call" && call_answer) return *call_answer;
  if (request.rpc_method == "tools/call") return result_reply(request, R"({"content":[]})");
  if (request.rpc_method != "initialize") return usual_reply(request);
  ++opened_;
  const std::string body = R"({"jsonrpc":"2.0","id":)" + request.rpc_id +
                           R"(,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},)"
                           R"("serverInfo":{"name":"announcing","version":"1"}}})";
  return json_reply(200, body, "Mcp-Session-Id: s" + std::to_string(opened_) + "\r\n");
}

void announcing_server::forget_sessions() { forgotten_ = opened_; }

void recording_observer::on_transition(const managed_name&, status from, status to, std::string_view why) {
  transitions.push_back(std::string(to_text(from)) + " " + std::string(to_text(to)) +
                        (why.empty() ? "" : " " + std::string(why)));
}
void recording_observer::on_attempt(const managed_name&, bool ok, std::chrono::microseconds) {
  ++(ok ? attempts_ok : attempts_failed);
}
void recording_observer::on_session_restarted(const managed_name&, std::string_view reason, std::uint64_t count) {
  restarts.push_back(std::string(reason) + " " + std::to_string(count));
}
void recording_observer::on_tools_refreshed(const managed_name&, bool) { ++refreshes; }
void recording_observer::on_lease(const managed_name& of, lease_news what) {
  constexpr const char* names[] = {"taken", "lost", "handed_over", "over"};
  leases.push_back(of.owner.text() + " " + names[static_cast<int>(what)]);
}
void recording_observer::on_data_loss(loss_cause cause, std::uint64_t count) {
  constexpr const char* words[] = {"replaced", "flushed", "evicted"};
  losses.push_back(std::string(words[static_cast<std::size_t>(cause)]) + " " + std::to_string(count));
}
void recording_observer::on_remark(const managed_name*, std::string_view what, std::string_view) {
  remarks.emplace_back(what);
}

record_check is(status what) {
  return [what](const connection& record) { return record.state == what; };
}

record_check has_tools(std::uint64_t count) {
  return [count](const connection& record) { return record.info.tool_count == count; };
}

asio::awaitable<std::optional<connection>> seen(store& records, owner who, record_check holds,
                                                std::chrono::milliseconds within) {
  const auto until = aio::after(within);
  std::string last = "no record";
  for (;;) {
    auto got = co_await records.get(who, srv, tools_wanted::yes);
    if (got && *got && holds(**got)) co_return std::move(**got);
    if (got && *got) last = to_json(**got);
    if (std::chrono::steady_clock::now() >= until) break;
    co_await aio::wait_until(aio::after(2ms));
  }
  ADD_FAILURE() << "what was waited for never came; the last was " << last;
  co_return std::nullopt;
}

asio::awaitable<std::string> holder_of(store& records, owner who) {
  managed_name of(std::move(who), srv);
  auto got = co_await records.leases().lease_of(std::move(of));
  co_return got && *got ? (*got)->holder : std::string();
}

asio::awaitable<bool> is_let_go(store& records, owner who) {
  const auto until = aio::after(10s);
  while (std::chrono::steady_clock::now() < until) {
    const std::string holder = co_await holder_of(records, who);
    if (holder.empty()) co_return true;
    co_await aio::wait_until(aio::after(2ms));
  }
  co_return false;
}

task<connection> connect_and_settle(manager& with, owner who, endpoint target) {
  std::optional<basis> whatever;
  auto ordering = with.connect(who, srv, std::move(target), std::move(whatever));
  auto ordered = co_await std::move(ordering);
  if (!ordered) co_return ordered.error();
  auto settling = aio::with_deadline(with.settled(who, srv, ordered->revision), aio::after(10s), "settling");
  co_return co_await std::move(settling);
}

}  // namespace mcpstate::test
