// SPDX-License-Identifier: MIT
#pragma once
#include "service/routes/request_context.hh"

// Records what a host reports itself: states, disconnects, use, claims. Executor, lifetime, cancellation: as dispatch()
// (dispatch.hh).
namespace mcpstate::service {

response_task put_state(request_context& context);
response_task delete_connection(request_context& context);
response_task disconnect_all(request_context& context);
response_task touch(request_context& context);
response_task erase_owner(request_context& context);
response_task claim_session(request_context& context);

}  // namespace mcpstate::service
