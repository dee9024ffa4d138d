// SPDX-License-Identifier: MIT
// Runs what the README shows, which the test takes from there.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <iostream>

#include <mcpstate/open_store.hpp>

mcpstate::task<void> record(mcpstate::store& connections);

namespace {

boost::asio::awaitable<int> run(mcpstate::store& connections) {
  const mcpstate::result<void> done = co_await record(connections);
  if (!done) std::cerr << done.error().full_text() << "\n";
  co_await connections.close();
  co_return done ? 0 : 1;
}

}  // namespace

int main() {
  boost::asio::io_context io;
  const mcpstate::store_options options;
  const std::unique_ptr<mcpstate::store> connections = mcpstate::make_memory_store(io.get_executor(), options);
  int code = 2;
  boost::asio::co_spawn(io, run(*connections), [&code](const std::exception_ptr& failure, int answer) {
    if (failure) std::rethrow_exception(failure);
    code = answer;
  });
  io.run();
  return code;
}
