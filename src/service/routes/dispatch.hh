// SPDX-License-Identifier: MIT
#pragma once
#include "service/routes/request_context.hh"

// Finds and runs the handler of an authorized request. Handlers know no sockets.
namespace mcpstate::service {

// Executor: that of the context's shard. The context outlives the call. Cancellation: ends a wait (PUT with ?wait=, a call
// of a tool); the response then says what is known. May throw what the handler throws.
response_task dispatch(request_context& context);

}  // namespace mcpstate::service
