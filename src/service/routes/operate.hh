// SPDX-License-Identifier: MIT
#pragma once
#include "service/routes/request_context.hh"

// For operators: owners, servers, instances, tokens, counts, metrics, health; and the files of the program. Executor,
// lifetime, cancellation: as dispatch() (dispatch.hh).
namespace mcpstate::service {

response_task list_owners(request_context& context);
response_task list_servers(request_context& context);
response_task list_instances(request_context& context);
response_task make_token(request_context& context);
response_task show_stats(request_context& context);
response_task show_metrics(request_context& context);
response_task show_health(request_context& context);
response_task show_readiness(request_context& context);
response_task show_openapi(request_context& context);
response_task show_dashboard(request_context& context);

}  // namespace mcpstate::service
