// SPDX-License-Identifier: MIT
// A web application that keeps its users' MCP connections itself: the library embedded, no service.
//
//     host SERVERS_FILE        which registers "everything"; the state goes to $REDIS_URL, or to one SQLite file
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/manager.hpp>
#include <mcpstate/open_store.hpp>

using namespace mcpstate;

namespace {

std::string unique_id() {
  std::random_device random;
  return "cpp-" + std::to_string(random());
}

// What a page that shows the connections would do: a snapshot first, then every change, whoever made it.
asio::awaitable<void> follow(store& records, owner who) {
  auto opened = co_await records.watch(who);
  if (!opened) co_return;
  for (;;) {
    auto seen = co_await (*opened)->next();
    if (!seen) co_return;
    if (seen->what != event::kind::present) continue;
    const connection& now = *seen->record;
    std::cout << "  event: " << now.owner.text() << " " << now.server << " is " << to_text(now.state) << std::endl;
    if (now.connected()) co_return;
  }
}

task<void> visit(store& records, manager& connections) {
  // 1. A visitor who has not signed in.
  const owner visitor = owner::session(unique_id()).value();
  const server_name server = server_name::parse("everything").value();
  aio::task_group watching(records.executor());
  watching.spawn("follow", follow(records, visitor));

  // 2. He connects a server. What is ordered is CONNECTING; settled() waits for what becomes of it.
  MCPSTATE_CO_TRY(ordered, co_await connections.connect(visitor, server, by_registration("everything"), std::nullopt));
  MCPSTATE_CO_TRY(record, co_await connections.settled(visitor, server, ordered.revision));
  co_await watching.join();
  if (!record.connected())
    co_return error(errc::connect_failed, record.info.error ? record.info.error->message : "not connected");
  std::cout << "connected to " << record.info.server_title << ", " << record.info.tool_count.value_or(0) << " tools\n";

  // 3. What the model is told: every tool of every server that is up, byte for byte.
  MCPSTATE_CO_TRY(all, co_await records.list(visitor, tools_wanted::yes));
  for (const connection& one : *all) {
    if (one.connected() && one.tools)
      std::cout << "for the model: " << one.server << ": " << one.tools->substr(0, 60) << "…\n";
  }

  // 4. The model chose one.
  mcp::call_options options;
  std::string arguments = R"({"message":"hello from C++"})";
  MCPSTATE_CO_TRY(called, co_await connections.call(visitor, server, "echo", std::move(arguments), std::move(options)));
  std::cout << "the tool says: " << called.body << "\n";

  // 5. He signs in: what the session had is the user's.
  const owner user = owner::user(unique_id()).value();
  MCPSTATE_CO_TRY(claimed, co_await records.claim(visitor, user));
  for (const std::string& name : claimed.moved) std::cout << "claimed: " << name << "\n";

  // 6. He leaves.
  MCPSTATE_CO_TRY(count, co_await records.disconnect(user, std::nullopt, std::nullopt));
  std::cout << "disconnected: " << count << "\n";
  co_return result<void>();
}

task<void> run(asio::any_io_executor executor, std::shared_ptr<const server_registry> servers) {
  const char* url = std::getenv("REDIS_URL");
  store_options how;
  std::string where = url != nullptr ? url : "sqlite:host.db";
  auto opened = co_await open_store(executor, std::move(where), std::move(how));
  if (!opened) co_return opened.error();
  store& records = **opened;
  manager_options options;
  options.servers = std::move(servers);
  const std::unique_ptr<manager> connections = make_manager(records, std::move(options));
  auto done = co_await visit(records, *connections);
  co_await connections->close();
  co_await records.close();
  co_return done;
}

std::shared_ptr<const server_registry> read_servers(const char* path) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
  return std::make_shared<const server_registry>(server_registry::parse(text, variable).value());
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) {
    std::cerr << "usage: host SERVERS_FILE\n";
    return 2;
  }
  asio::io_context io(1);
  int code = 1;
  const auto ended = [&code](const std::exception_ptr& failure, const result<void>& done) {
    if (failure) std::rethrow_exception(failure);
    if (!done) std::cerr << done.error().full_text() << "\n";
    code = done ? 0 : 1;
  };
  asio::co_spawn(io, run(io.get_executor(), read_servers(words[1])), ended);
  io.run();
  return code;
}
