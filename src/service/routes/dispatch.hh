// SPDX-License-Identifier: MIT
#pragma once
#include "service/routes/request_context.hh"

// Finds and runs the handler of an authorized request. Handlers know no sockets.
namespace mcpstate::service {

// Executor: that of the context's shard. The context outlives the call. Cancellation: ends a wait (PUT with ?wait=, a call
// of a tool); the response then says what is known. May throw what the handler throws.
response_task dispatch(request_context& context);

// The response while the process waits for its store: it lives and has metrics, and serves nothing else.
[[nodiscard]] http_response respond_without_shard(process_services& process, const authorized_request& authorized,
                                                  const std::string& request_id);

}  // namespace mcpstate::service
