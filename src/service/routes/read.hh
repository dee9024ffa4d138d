// SPDX-License-Identifier: MIT
#pragma once
#include "service/routes/request_context.hh"

// Reads connections, tools and live events. Executor, lifetime, cancellation: as dispatch() (dispatch.hh).
namespace mcpstate::service {

response_task list_connections(request_context& context);
response_task get_connection(request_context& context);
response_task get_tools(request_context& context);
response_task open_events(request_context& context);

}  // namespace mcpstate::service
