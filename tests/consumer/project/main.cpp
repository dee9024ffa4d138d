// SPDX-License-Identifier: MIT
// A program of somebody else: records one connection and lists it again.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <iostream>

#include <mcpstate/open_store.hpp>
#include <mcpstate/store.hpp>

using namespace mcpstate;

namespace {

task<void> record_and_list(store& connections) {
  const owner who = owner::user("42").value();
  change up(who, server_name::parse("github").value(), status::connected);
  up.tools(tools_list::parse(R"([{"name":"search"},{"name":"fetch"}])").value());
  MCPSTATE_CO_CHECK(co_await connections.put(std::move(up)));
  MCPSTATE_CO_TRY(all, co_await connections.list(who, tools_wanted::no));
  for (const connection& c : *all) {
    std::cout << c.owner.text() << " " << c.server << " " << to_text(c.state) << " " << c.info.tool_count.value_or(0)
              << " tools\n";
  }
  co_return result<void>();
}

asio::awaitable<int> run(store& connections) {
  const result<void> done = co_await record_and_list(connections);
  if (!done) std::cerr << done.error().full_text() << "\n";
  co_await connections.close();
  co_return done ? 0 : 1;
}

}  // namespace

int main() {
  asio::io_context io;
  store_options options;
  const std::unique_ptr<store> connections = make_memory_store(io.get_executor(), options);
  int code = 2;
  asio::co_spawn(io, run(*connections), [&code](const std::exception_ptr& failure, int answer) {
    if (failure) std::rethrow_exception(failure);
    code = answer;
  });
  io.run();
  return code;
}
