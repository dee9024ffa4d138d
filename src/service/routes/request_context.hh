// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <utility>

#include "service/gate/authorizer.hh"
#include "service/http/message.hh"
#include "service/http/problem.hh"
#include "service/routes/measured.hh"
#include "service/routes/shard.hh"

namespace mcpstate::service {

// What a handler answers with.
using response_task = asio::awaitable<http_response>;

// One request that is authorized, with everything that its handler works with. It lives until the response is made; shard
// and process services outlive it.
struct request_context {
  request_context(process_services& services, service::shard& owner_shard, authorized_request allowed, http_request received,
                  std::string id)
      : process(services),
        shard(owner_shard),
        authorized(std::move(allowed)),
        request(std::move(received)),
        request_id(std::move(id)) {}

  process_services& process;
  service::shard& shard;
  authorized_request authorized;
  http_request request;
  std::string request_id;

  // Only on routes whose path names an owner or a server.
  [[nodiscard]] const mcpstate::owner& owner() const { return *authorized.owner; }
  [[nodiscard]] const server_name& server() const { return *authorized.server; }

  [[nodiscard]] http_response failure(const problem& reported) const { return problem_response(reported, request_id); }
  [[nodiscard]] http_response failure(const error& cause) const { return problem_response(problem_of(cause), request_id); }
  [[nodiscard]] http_response failure(problem_kind kind, std::string detail) const {
    return problem_response(problem(kind, std::move(detail)), request_id);
  }
};

template <class T>
task<T> measured(request_context& context, const char* operation, task<T> work) {
  return measured(context.process, operation, std::move(work));
}

}  // namespace mcpstate::service
