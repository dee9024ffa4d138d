// SPDX-License-Identifier: MIT
// What must not happen: that a store which is used as it cannot be used hangs, corrupts memory, or answers what is another's.
#include <sys/wait.h>
#include <unistd.h>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/open_store.hpp>

#include "support/co_test.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

const store_options defaults;
owner who() { return owner::user("1").value(); }
server_name name() { return server_name::parse("a").value(); }

template <class T>
void expect_stopped(const result<T>& got, const char* call) {
  ASSERT_FALSE(got) << call;
  EXPECT_EQ(got.error().code(), errc::stopped) << call;
  EXPECT_EQ(got.error().detail(), "the store was closed") << call;
}

asio::awaitable<void> use_after_close(std::string url) {
  const auto executor = co_await asio::this_coro::executor;
  auto opened = co_await open_store(executor, url, defaults);
  CO_ASSERT_OK(opened);
  store& closed = **opened;
  co_await closed.close();
  change up(who(), name(), status::connected);
  expect_stopped(co_await closed.put(std::move(up)), "put");
  expect_stopped(co_await closed.get(who(), name(), tools_wanted::no), "get");
  expect_stopped(co_await closed.list(who(), tools_wanted::no), "list");
  const std::optional<owner> watched;
  expect_stopped(co_await closed.watch(watched), "watch");
  const std::optional<server_name> any;
  expect_stopped(co_await closed.touch(who(), any), "touch");
  expect_stopped(co_await closed.erase(who()), "erase");
  const std::string first_page;
  expect_stopped(co_await closed.scan(first_page), "scan");
  co_await closed.close();
}

TEST(StoreMisuse, IsASentenceAfterCloseInMemory) {
  run_co_test([](asio::io_context&) { return use_after_close("memory:"); });
}
TEST(StoreMisuse, IsASentenceAfterCloseOnAFile) {
  const temp_dir folder;
  const std::string url = "sqlite:" + folder.file("state.db");
  run_co_test([&url](asio::io_context&) { return use_after_close(url); });
}

asio::awaitable<void> refuse_a_long_timeout(std::string url) {
  const auto executor = co_await asio::this_coro::executor;
  for (const auto time : {std::chrono::hours(25), std::chrono::hours(24 * 30), std::chrono::hours(24 * 10'000)}) {
    store_options options;
    options.timeout = time;
    const auto opened = co_await open_store(executor, url, options);
    CO_ASSERT_FAILS(opened, errc::bad_argument);
    EXPECT_NE(opened.error().detail().find("over a day"), std::string::npos) << opened.error().detail();
  }
}

// 30 days are more milliseconds than SQLite can count: it waited for nothing.
TEST(StoreMisuse, IsATimeoutOverADay) {
  const temp_dir folder;
  for (const std::string& url : {std::string("memory:"), "sqlite:" + folder.file("state.db"), std::string("redis://x")})
    run_co_test([&url](asio::io_context&) { return refuse_a_long_timeout(url); });
}

asio::awaitable<void> fail_and_wait(std::string url, bool& failed, bool& ended) {
  const auto executor = co_await asio::this_coro::executor;
  store_options options;
  options.timeout = 2s;
  const auto opened = co_await open_store(executor, url, options);
  EXPECT_FALSE(opened);
  failed = true;
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::steady_timer never(executor, asio::steady_timer::time_point::max());
  auto [ec] = co_await never.async_wait(aio::use_ec);
  ended = ec == asio::error::operation_aborted;
}

// Opens what cannot be opened, and then asks the caller to end.
asio::awaitable<void> cancel_after_a_failure(std::string url) {
  const auto executor = co_await asio::this_coro::executor;
  bool failed = false, ended = false;
  aio::task_group group(executor, aio::end_process);
  group.spawn("open", fail_and_wait(url, failed, ended));
  CO_ASSERT_TRUE(co_await eventually([&failed] { return failed; }));
  co_await group.stop();
  EXPECT_TRUE(ended) << url;
}

TEST(StoreOpening, TakesNoCancellationFromItsCallerWhenItFails) {
  for (const char* url : {"redis://127.0.0.1:1", "rediss://127.0.0.1:1", "unix:///dev/null/none.sock", "sqlite:/dev/null/state.db"})
    run_co_test([url](asio::io_context&) { return cancel_after_a_failure(url); });
}

asio::awaitable<void> open_at(std::string url, std::unique_ptr<store>& out) {
  const auto executor = co_await asio::this_coro::executor;
  auto got = co_await open_store(executor, url, defaults);
  CO_ASSERT_OK(got);
  out = std::move(*got);
}

asio::awaitable<void> put_one(store& records) {
  change up(who(), name(), status::connected);
  const auto written = co_await records.put(std::move(up));
  static_cast<void>(written);
}

// Opens a store on a file and destroys it while a write waits for the thread of the store.
void destroy_under_a_call(const std::string& path) {
  asio::io_context io;
  std::unique_ptr<store> opened;
  aio::task_group group(io.get_executor(), aio::end_process);
  group.spawn("open", open_at("sqlite:" + path, opened));
  io.run();
  io.restart();
  group.spawn("put", put_one(*opened));
  while (group.size() > 0 && io.poll_one() > 0) {
  }
  opened.reset();
}

TEST(StoreMisuseDeathTest, EndsTheProcessWithASentenceUnderACall) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const temp_dir folder;
  EXPECT_DEATH(destroy_under_a_call(folder.file("state.db")), "destroyed while 1 of its calls were under way");
}

asio::awaitable<void> wait_for(asio::steady_timer& timer) { co_await timer.async_wait(aio::use_ec); }

void destroy_a_group() {
  asio::io_context io;
  asio::steady_timer never(io, asio::steady_timer::time_point::max());
  auto group = std::make_unique<aio::task_group>(io.get_executor(), aio::end_process);
  group->spawn("waits for ever", wait_for(never));
  io.poll();
  group.reset();
}

TEST(StoreMisuseDeathTest, EndsTheProcessWithASentenceUnderWorkOfAGroup) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(destroy_a_group(), "\"waits for ever\" still runs");
}

// The child of a fork(): 0 if it is told what is so, and ends.
asio::awaitable<void> use_in_a_child(std::unique_ptr<store> opened, int& code) {
  const auto got = co_await opened->list(who(), tools_wanted::no);
  change up(who(), name(), status::connected);
  const auto written = co_await opened->put(std::move(up));
  const bool told = !got && got.error().is(cond::internal) && got.error().detail().find("fork()") != std::string::npos;
  code = told && !written ? 0 : 1;
  co_await opened->close();
}

asio::awaitable<void> use_in_the_parent(store& records) {
  co_await put_one(records);
  const auto got = co_await records.list(who(), tools_wanted::no);
  CO_ASSERT_OK(got);
  EXPECT_EQ((*got)->size(), 1U);
  co_await records.close();
}

void fork_with(const std::string& url) {
  asio::io_context io;
  std::unique_ptr<store> opened;
  asio::co_spawn(io, open_at(url, opened), [](std::exception_ptr) {});
  io.run();
  io.restart();
  ASSERT_NE(opened, nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    int code = 2;
    io.notify_fork(asio::execution_context::fork_child);
    asio::co_spawn(io, use_in_a_child(std::move(opened), code), [](std::exception_ptr) {});
    io.run();
    ::_exit(code);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "wait status " << status;
  asio::co_spawn(io, use_in_the_parent(*opened), [](std::exception_ptr) {});
  io.run();
}

TEST(StoreMisuse, IsASentenceInTheChildOfAForkOnAFile) {
  const temp_dir folder;
  fork_with("sqlite:" + folder.file("state.db"));
}
TEST(StoreMisuse, IsASentenceInTheChildOfAForkInMemory) { fork_with("memory:"); }

}  // namespace
}  // namespace mcpstate::test
