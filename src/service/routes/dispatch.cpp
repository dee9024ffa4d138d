// SPDX-License-Identifier: MIT
#include "service/routes/dispatch.hh"

#include <array>

#include "aio/executor_check.hh"
#include "service/routes/manage.hh"
#include "service/routes/operate.hh"
#include "service/routes/read.hh"
#include "service/routes/write.hh"

namespace mcpstate::service {

namespace {

using handler = response_task (*)(request_context&);

constexpr std::array<handler, operation_count> handlers = [] {
  std::array<handler, operation_count> out{};
  const auto set = [&out](operation_id operation, handler function) { out[static_cast<std::size_t>(operation)] = function; };
  set(operation_id::list_connections, list_connections);
  set(operation_id::disconnect_all, disconnect_all);
  set(operation_id::get_connection, get_connection);
  set(operation_id::put_connection, put_connection);
  set(operation_id::delete_connection, delete_connection);
  set(operation_id::get_tools, get_tools);
  set(operation_id::put_state, put_state);
  set(operation_id::touch_one, touch);
  set(operation_id::touch_all, touch);
  set(operation_id::retry, retry_connection);
  set(operation_id::call_tool, call_tool);
  set(operation_id::events, open_events);
  set(operation_id::erase_owner, erase_owner);
  set(operation_id::claim, claim_session);
  set(operation_id::list_owners, list_owners);
  set(operation_id::list_servers, list_servers);
  set(operation_id::disconnect_server, disconnect_server);
  set(operation_id::list_instances, list_instances);
  set(operation_id::make_token, make_token);
  set(operation_id::stats, show_stats);
  set(operation_id::metrics, show_metrics);
  set(operation_id::healthz, show_health);
  set(operation_id::readyz, show_readiness);
  set(operation_id::openapi, show_openapi);
  set(operation_id::dashboard, show_dashboard);
  return out;
}();

}  // namespace

response_task dispatch(request_context& context) {
  aio::assert_on_executor(context.shard.executor);
  return handlers[static_cast<std::size_t>(context.authorized.route->operation)](context);
}

http_response respond_without_shard(process_services& process, const authorized_request& authorized,
                                    const std::string& request_id) {
  http_response out;
  switch (authorized.route->operation) {
    case operation_id::healthz:
      out.static_body = "{\"status\":\"ok\"}";
      return out;
    case operation_id::metrics:
      process.metrics.set_log_lines_dropped(process.log.dropped());
      out.content_type = std::string(service::metrics::content_type);
      out.body = process.metrics.render();
      return out;
    default:
      return problem_response(problem(problem_kind::unavailable, "the store does not answer yet"), request_id);
  }
}

}  // namespace mcpstate::service
