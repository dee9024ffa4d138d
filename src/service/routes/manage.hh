// SPDX-License-Identifier: MIT
#pragma once
#include "service/routes/request_context.hh"

// What the manager does: connecting, retrying, calling tools. Executor, lifetime, cancellation: as dispatch() (dispatch.hh).
namespace mcpstate::service {

response_task put_connection(request_context& context);
response_task retry_connection(request_context& context);
response_task call_tool(request_context& context);
response_task disconnect_server(request_context& context);

}  // namespace mcpstate::service
