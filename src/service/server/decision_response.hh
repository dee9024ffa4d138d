// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>

#include "service/gate/authorizer.hh"
#include "service/http/message.hh"

// The responses to requests that no handler sees. Pure.
namespace mcpstate::service {

[[nodiscard]] http_response rejection_response(const rejection& rejected, std::string_view request_id);

// The response to OPTIONS: the methods of the path, or what a browser may send from the page that asks (CORS preflight).
[[nodiscard]] http_response options_response(const options_request& request);

}  // namespace mcpstate::service
