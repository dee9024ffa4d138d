// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/mcp/client.hpp>

#include "manager/manager_context.hh"
#include "manager/supervisor_set.hh"

// Calls tools on behalf of owners: on the session that this process has, or on one that is opened for the call.
//
// Executor: the store's. Lifetime: the context and the supervisors outlive it and every call.
namespace mcpstate {

class tool_calls {
 public:
  tool_calls(manager_context& context, supervisor_set& supervisors) : context_(context), supervisors_(supervisors) {}

  // manager::call().
  task<mcp::call_result> call(owner account, server_name server, std::string tool, std::string arguments,
                              mcp::call_options options);

 private:
  task<connection> find_usable(managed_name name);
  asio::awaitable<std::shared_ptr<server_link>> wait_for_session(managed_name name, aio::deadline until);
  [[nodiscard]] aio::deadline opening_deadline(const connection& record, const mcp::call_options& options) const;
  task<mcp::call_result> call_on_session(std::shared_ptr<server_link> session, managed_name name, std::string tool,
                                         std::string arguments, mcp::call_options options);
  task<bool> await_supervisor(managed_name name, details info);
  task<mcp::call_result> call_on_new_session(connection record, std::string tool, std::string arguments,
                                             mcp::call_options options, aio::deadline until);
  task<mcp::call_result> call_on_client(std::unique_ptr<mcp::client> client, destination server, std::string tool,
                                        std::string arguments, mcp::call_options options);
  task<mcp::call_result> refuse_program(managed_name name, std::string program);

  manager_context& context_;
  supervisor_set& supervisors_;
};

}  // namespace mcpstate
