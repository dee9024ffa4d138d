// SPDX-License-Identifier: MIT
// What becomes of the session with a server when a claim moves its connection to a user.
#include "component/manager/manager_fixture.hh"
#include "support/intercepting_backend.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

const owner visitor = owner::session("visitor").value();
constexpr const char* first_call = R"({"content":[{"type":"text","text":"call 1"}]})";
constexpr const char* second_call = R"({"content":[{"type":"text","text":"call 2"}]})";

// A program that remembers how often it was called, registered as "prog", and managers that can run it.
struct claim_scene {
  explicit claim_scene(asio::any_io_executor executor)
      : program(odd_server("counts")), records(make_memory_store(std::move(executor), store_options())) {}

  [[nodiscard]] std::unique_ptr<manager> make_one() {
    manager_options options = quick_options();
    options.servers = servers();
    return make_manager(*records, std::move(options));
  }
  [[nodiscard]] std::shared_ptr<const server_registry> servers() const {
    std::string out = R"({"prog":{"command":")" + program.where.command.front() + R"(","args":[)";
    for (std::size_t i = 1; i < program.where.command.size(); ++i)
      out += (i > 1 ? ",\"" : "\"") + program.where.command[i] + "\"";
    out += R"(],"env":{)";
    for (std::size_t i = 0; i < program.where.env.size(); ++i)
      out += (i > 0 ? ",\"" : "\"") + program.where.env[i].first + "\":\"" + program.where.env[i].second + "\"";
    return registry(out + "}}}");
  }
  // The number of the one process that runs; 0 where there is none or several.
  [[nodiscard]] int pid() const {
    const auto now = processes_of(program.mark);
    return now.size() == 1 ? now.front().pid : 0;
  }

  marked_target program;
  std::unique_ptr<store> records;
};

task<std::string> call(manager& by, owner who) {
  auto called = co_await by.call(std::move(who), srv, "odd", "{}", mcp::call_options());
  if (!called) co_return called.error();
  co_return called->body;
}

#define CO_EXPECT_ANSWER(EXPRESSION, EXPECTED) \
  do {                                         \
    const auto answer_ = co_await EXPRESSION;  \
    CO_ASSERT_OK(answer_);                     \
    EXPECT_EQ(*answer_, EXPECTED);             \
  } while (false)

// A program that is connected for the visitor, and was called once.
#define CO_START(ON, BY)                                                             \
  const auto up = co_await connect_and_settle(BY, visitor, by_registration("prog")); \
  CO_ASSERT_OK(up);                                                                  \
  CO_ASSERT_EQ(up->state, status::connected);                                        \
  CO_EXPECT_ANSWER(call(BY, visitor), first_call);                                   \
  const int pid = (ON).pid();                                                        \
  CO_ASSERT_TRUE(pid != 0)

CO_TEST_WITHIN(ManagerClaim, LeavesAProgramAndItsMemoryToTheUser, 60s) {
  claim_scene on(co_await asio::this_coro::executor);
  auto managing = on.make_one();
  CO_START(on, *managing);
  const auto claimed = co_await managing->claim(visitor, user(1));
  CO_ASSERT_OK(claimed);
  EXPECT_EQ(claimed->moved, std::vector<std::string>{"srv"});
  CO_EXPECT_ANSWER(call(*managing, user(1)), second_call);
  EXPECT_EQ(on.pid(), pid);
  const auto gone = co_await managing->call(visitor, srv, "odd", "{}", mcp::call_options());
  CO_ASSERT_FAILS(gone, errc::no_record);
  // It is managed as before: a disconnect of the user ends it.
  std::optional<server_name> one = srv;
  CO_ASSERT_OK(co_await on.records->disconnect(user(1), one, std::nullopt));
  const bool ended = co_await eventually([&on] { return processes_of(on.program.mark).empty(); });
  EXPECT_TRUE(ended);
  co_await managing->close();
  co_await on.records->close();
}

// The command line, or another process, claims in the store; nobody tells the manager but the store.
CO_TEST_WITHIN(ManagerClaim, IsFollowedByAManagerThatWasNotAsked, 60s) {
  claim_scene on(co_await asio::this_coro::executor);
  auto managing = on.make_one();
  CO_START(on, *managing);
  CO_ASSERT_OK(co_await on.records->claim(visitor, user(1)));
  CO_EXPECT_ANSWER(call(*managing, user(1)), second_call);
  EXPECT_EQ(on.pid(), pid);
  co_await managing->close();
  co_await on.records->close();
}

task<void> stumble(std::shared_ptr<int> times, std::string step, std::optional<owner> who) {
  const bool is_asked_for = step == "lease_of" && who && who->kind() == owner_kind::session;
  if (is_asked_for && (*times)-- > 0) co_return error(errc::connection_lost, "the store stumbles");
  co_return result<void>();
}

// The note of the claim cannot be read at first. That says nothing about the connection.
CO_TEST_WITHIN(ManagerClaim, LeavesTheProgramToTheUserThoughTheStoreStumbles, 60s) {
  const auto executor = co_await asio::this_coro::executor;
  const auto times = std::make_shared<int>(0);
  claim_scene on(executor);
  co_await on.records->close();
  step_interceptor before = [times](std::string step, std::optional<owner> who) {
    return stumble(times, std::move(step), std::move(who));
  };
  on.records = std::make_unique<store>(
      std::make_unique<intercepting_backend>(make_memory_backend(executor, store_options()), std::move(before)));
  auto managing = on.make_one();
  CO_START(on, *managing);
  *times = 1;
  CO_ASSERT_OK(co_await on.records->claim(visitor, user(1)));
  CO_EXPECT_ANSWER(call(*managing, user(1)), second_call);
  EXPECT_LT(*times, 1) << "it has stumbled";
  EXPECT_EQ(on.pid(), pid);
  co_await managing->close();
  co_await on.records->close();
}

CO_TEST_WITHIN(ManagerClaim, ThroughAnotherInstanceLeavesTheProgramWhereItRuns, 60s) {
  claim_scene on(co_await asio::this_coro::executor);
  auto managing = on.make_one();
  auto other = on.make_one();
  const bool known = co_await eventually([&other] { return other->counts().instances == 2; });
  CO_ASSERT_TRUE(known);
  CO_START(on, *managing);
  CO_ASSERT_OK(co_await other->claim(visitor, user(1)));
  CO_EXPECT_ANSWER(call(*managing, user(1)), second_call);
  const auto directed = co_await other->call(user(1), srv, "odd", "{}", mcp::call_options());
  CO_ASSERT_FAILS(directed, errc::kept_elsewhere);
  EXPECT_EQ(on.pid(), pid);
  co_await other->close();
  co_await managing->close();
  co_await on.records->close();
}

// The attempt to open the session goes on under the user's name; a call waits for it.
CO_TEST_WITHIN(ManagerClaim, DuringAnAttemptStartsNoSecondProgram, 60s) {
  claim_scene on(co_await asio::this_coro::executor);
  auto managing = on.make_one();
  const std::optional<basis> whatever;
  CO_ASSERT_OK(co_await managing->connect(visitor, srv, by_registration("prog"), whatever));
  CO_ASSERT_OK(co_await managing->claim(visitor, user(1)));
  CO_EXPECT_ANSWER(call(*managing, user(1)), first_call);
  const auto up = co_await seen(*on.records, user(1), is(status::connected));
  CO_ASSERT_TRUE(up);
  EXPECT_NE(on.pid(), 0);
  CO_EXPECT_ANSWER(call(*managing, user(1)), second_call);
  co_await managing->close();
  co_await on.records->close();
}

// The record of the session wins over one that failed, and its program over another attempt: whoever manages the user's
// loses it.
asio::awaitable<void> wins_over_a_failed_one(claim_scene& on, manager& managing, manager& of_user) {
  std::optional<basis> whatever;
  auto failing = co_await of_user.connect(user(1), srv, by_url("http://127.0.0.1:1/"), whatever);
  CO_ASSERT_OK(failing);
  const auto failed = co_await seen(*on.records, user(1), is(status::failed));
  CO_ASSERT_TRUE(failed);
  CO_START(on, managing);
  CO_ASSERT_OK(co_await managing.claim(visitor, user(1)));
  CO_EXPECT_ANSWER(call(managing, user(1)), second_call);
  const std::string holder = co_await holder_of(*on.records, user(1));
  EXPECT_EQ(holder, managing.options().instance);
  const auto is_single = [&] {
    const std::size_t of_other = &managing == &of_user ? 0 : of_user.counts().managed_here;
    return managing.counts().managed_here + of_other == 1;
  };
  const bool single = co_await eventually(is_single);
  EXPECT_TRUE(single);
  EXPECT_EQ(on.pid(), pid);
}

CO_TEST_WITHIN(ManagerClaim, WinsOverAFailedConnectionOfTheSameInstance, 60s) {
  claim_scene on(co_await asio::this_coro::executor);
  auto managing = on.make_one();
  co_await wins_over_a_failed_one(on, *managing, *managing);
  co_await managing->close();
  co_await on.records->close();
}

CO_TEST_WITHIN(ManagerClaim, WinsOverAFailedConnectionOfAnotherInstance, 60s) {
  claim_scene on(co_await asio::this_coro::executor);
  auto managing = on.make_one();
  auto other = on.make_one();
  co_await wins_over_a_failed_one(on, *managing, *other);
  co_await other->close();
  co_await managing->close();
  co_await on.records->close();
}

CO_TEST_WITHIN(ManagerClaim, EndsAProgramWhoseRecordLoses, 60s) {
  claim_scene on(co_await asio::this_coro::executor);
  auto managing = on.make_one();
  const auto users = co_await connect_and_settle(*managing, user(1), by_registration("prog"));
  CO_ASSERT_OK(users);
  const int pid = on.pid();
  const auto up = co_await connect_and_settle(*managing, visitor, by_registration("prog"));
  CO_ASSERT_OK(up);
  const auto claimed = co_await managing->claim(visitor, user(1));
  CO_ASSERT_OK(claimed);
  EXPECT_EQ(claimed->kept, std::vector<std::string>{"srv"});
  const bool single = co_await eventually([&on, &pid] { return on.pid() == pid; });
  EXPECT_TRUE(single);
  co_await managing->close();
  co_await on.records->close();
}

// The holder does not follow, because it is gone: another instance takes the connection within moments.
CO_TEST_WITHIN(ManagerClaim, LosesNoConnectionWhoseHolderIsGone, 60s) {
  claim_scene on(co_await asio::this_coro::executor);
  change ordered(visitor, srv, status::connecting);
  details info;
  info.managed = true;
  info.registered = "prog";
  info.transport = "stdio";
  ordered.set_details(std::move(info));
  lease_request wanted("gone", "prog", 60s);
  CO_ASSERT_OK(co_await on.records->order(std::move(ordered), std::move(wanted)));
  CO_ASSERT_OK(co_await on.records->claim(visitor, user(1)));
  auto managing = on.make_one();
  const auto up = co_await seen(*on.records, user(1), is(status::connected));
  CO_ASSERT_TRUE(up);
  CO_EXPECT_ANSWER(call(*managing, user(1)), first_call);
  co_await managing->close();
  co_await on.records->close();
}

}  // namespace
}  // namespace mcpstate::test
