// SPDX-License-Identifier: MIT
// The examples of the public headers, as they are printed there (extract_examples.py), each with what stands before it in a
// program. What must not happen: that one does not compile, that it fails, or that it corrupts memory.
#include <iostream>

#include <mcpstate/manager.hpp>
#include <mcpstate/open_store.hpp>

#include "component/mcp/http_fixture.hh"
#include "component/mcp/mcp_support.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

asio::awaitable<void> run_in_memory(asio::any_io_executor executor) {
#define EXAMPLE_STORE "memory:"
#include "store.inc"
#undef EXAMPLE_STORE
  CO_ASSERT_OK(written);
  CO_ASSERT_OK(all);
  EXPECT_EQ((*all)->size(), 1U);
}

TEST(HeaderExamples, OpensAStoreInMemory) {
  run_co_test([](asio::io_context& io) { return run_in_memory(io.get_executor()); });
}

asio::awaitable<void> run_on_a_file(asio::any_io_executor executor) {
#define EXAMPLE_STORE "sqlite:example.db"
#include "store.inc"
#undef EXAMPLE_STORE
  CO_ASSERT_OK(written);
  CO_ASSERT_OK(all);
  EXPECT_EQ((*all)->size(), 1U);
}

TEST(HeaderExamples, OpensAStoreOnAFile) {
  const auto before = std::filesystem::current_path();
  const temp_dir folder;
  std::filesystem::current_path(folder.path());
  run_co_test([](asio::io_context& io) { return run_on_a_file(io.get_executor()); });
  std::filesystem::current_path(before);
}

// The example says what a caller gets where there is no server: an exception of value(), and nothing is left behind.
asio::awaitable<void> run_without_a_server(asio::any_io_executor executor) {
#define EXAMPLE_STORE "unix:///nowhere/redis.sock"
#include "store.inc"
#undef EXAMPLE_STORE
}

asio::awaitable<void> expect_no_server(asio::any_io_executor executor) {
  bool thrown = false;
  try {
    co_await run_without_a_server(executor);
  } catch (const error_exception& e) {
    thrown = e.get().is(cond::unavailable);
  }
  EXPECT_TRUE(thrown);
}

TEST(HeaderExamples, SaysThatThereIsNoServer) {
  run_co_test([](asio::io_context& io) { return expect_no_server(io.get_executor()); });
}

const std::string record_name = "github";

asio::awaitable<void> read_records(asio::any_io_executor executor) {
  const store_options options;
  const auto opened = make_memory_store(executor, options);
  store& connections = *opened;
  const owner who = owner::user("42").value();
  const server_name name = server_name::parse(record_name).value();
  change up(who, name, status::connected);
  const auto written = co_await connections.put(std::move(up));
  CO_ASSERT_OK(written);
  {
#include "store_snapshot.inc"
    EXPECT_EQ(all->size(), 1U);
  }
  {
#include "core_error.inc"
    CO_ASSERT_OK(got);
    EXPECT_TRUE(*got);
  }
  co_await connections.close();
}

TEST(HeaderExamples, ReadsRecords) {
  run_co_test([](asio::io_context& io) { return read_records(io.get_executor()); });
}

asio::awaitable<void> use_a_client(asio::any_io_executor executor) {
  scripted_server http(executor, usual_reply);
  {
#define EXAMPLE_SERVER http.url()
#include "mcp_client.inc"
    CO_ASSERT_OK(listed);
    CO_ASSERT_OK(called);
    EXPECT_EQ(listed->tools.count(), 1U);
  }
  co_await http.close();
}

TEST(HeaderExamples, CallsATool) {
  run_co_test([](asio::io_context& io) { return use_a_client(io.get_executor()); });
}

std::optional<std::string> any_variable(const std::string& name) { return "the value of " + name; }

asio::awaitable<void> manage(asio::any_io_executor executor) {
  scripted_server http(executor, usual_reply);
  const store_options defaults;
  const auto opened = make_memory_store(executor, defaults);
  store& records = *opened;
  const owner who = owner::user("42").value();
  const server_name name = server_name::parse(record_name).value();
  const std::string servers = R"({"mcpServers":{"github":{"url":")" + http.url() + R"("}}})";
  const auto registry = std::make_shared<server_registry>(server_registry::parse(servers, any_variable).value());
  {
#include "manager.inc"
    CO_ASSERT_OK(settled);
    EXPECT_EQ(settled->state, status::connected);
  }
  co_await records.close();
  co_await http.close();
}

TEST(HeaderExamples, ManagesAConnection) {
  run_co_test([](asio::io_context& io) { return manage(io.get_executor()); });
}

TEST(HeaderExamples, ReadsAServersFile) {
  const auto read = server_registry::parse(
#include "manager_registry.inc"
      , any_variable);
  ASSERT_TRUE(read) << read.error().full_text();
  EXPECT_EQ(read->all().size(), 3U);
  EXPECT_TRUE(read->remarks().empty());
}

}  // namespace
}  // namespace mcpstate::test
