// SPDX-License-Identifier: MIT
#include "transfer/migration.hh"

#include <mcpstate/aio/task_group.hpp>

#include "component/transfer/transfer_scene.hh"
#include "support/redis_server.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {

namespace {

const redis_server& migrations_server() {
  static const redis_server server;
  return server;
}

std::string migration_url(int database) {
  return "redis://127.0.0.1:" + std::to_string(migrations_server().port()) + "/" + std::to_string(database);
}

task<transfer::migration_state> migrate_all(store& from, store& to) {
  transfer::migration_request all;
  co_return co_await transfer::migrate(from, to, std::move(all));
}

}  // namespace

CO_TEST_WITHIN(Migration, CopiesSqliteToRedisAndLeavesWhatIsThere, std::chrono::seconds(60)) {
  const temp_dir directory;
  auto from = co_await open_store(context.get_executor(), "sqlite:" + directory.file("a.db"), store_options());
  CO_ASSERT_OK(from);
  auto to = co_await open_store(context.get_executor(), migration_url(0), store_options());
  CO_ASSERT_OK(to);
  CO_ASSERT_OK(co_await fill(**from, 30, 5));
  transfer::migration_request dry;
  dry.dry_run = true;
  const auto would = co_await transfer::migrate(**from, **to, std::move(dry));
  CO_ASSERT_OK(would);
  EXPECT_EQ(would->written, 150u);
  const auto first = co_await migrate_all(**from, **to);
  CO_ASSERT_OK(first);
  EXPECT_EQ(first->written, 150u);
  EXPECT_EQ(first->owners, 30u);
  EXPECT_EQ(first->faults.count(), 0u);
  const auto second = co_await migrate_all(**from, **to);
  CO_ASSERT_OK(second);
  EXPECT_EQ(second->written, 0u);
  EXPECT_EQ(second->present, 150u);
  const auto was = co_await contents(**from), is = co_await contents(**to);
  CO_ASSERT_OK(was);
  CO_ASSERT_OK(is);
  EXPECT_EQ(*was, *is);
  co_await (*from)->close();
  co_await (*to)->close();
}

CO_TEST(Migration, RemovesWhatTheSourceHasNoMoreWhereThatIsAskedFor) {
  auto from = make_memory_store(context.get_executor(), store_options());
  auto to = make_memory_store(context.get_executor(), store_options());
  CO_ASSERT_OK(co_await fill(*from, 6, 3));
  CO_ASSERT_OK(co_await migrate_all(*from, *to));
  CO_ASSERT_OK(co_await from->erase(owner::user("u:2").value()));
  CO_ASSERT_OK(co_await from->claim(owner::session("s{1}").value(), owner::user("u:0").value()));
  const auto kept = co_await migrate_all(*from, *to);
  CO_ASSERT_OK(kept);
  EXPECT_EQ(kept->removed, 0u);
  transfer::migration_request finish;
  finish.remove = true;
  const auto done = co_await transfer::migrate(*from, *to, std::move(finish));
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->removed, 6u);
  const auto was = co_await contents(*from), is = co_await contents(*to);
  EXPECT_EQ(*was, *is);
  co_await from->close();
  co_await to->close();
}

CO_TEST(Migration, NamesWhatTheTargetHasLater) {
  auto from = make_memory_store(context.get_executor(), store_options());
  auto to = make_memory_store(context.get_executor(), store_options());
  CO_ASSERT_OK(co_await fill(*from, 1, 2));
  CO_ASSERT_OK(co_await migrate_all(*from, *to));
  change theirs(owner::user("u:0").value(), server_name::parse("server 1*").value(), status::connected);
  CO_ASSERT_OK(co_await to->put(std::move(theirs)));
  const auto before = co_await contents(*to);
  const auto done = co_await migrate_all(*from, *to);
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->written, 0u);
  CO_ASSERT_EQ(done->faults.count(), 1u);
  EXPECT_NE(done->faults.first().front().find("user:u:0 server 1*"), std::string::npos);
  const auto after = co_await contents(*to);
  EXPECT_EQ(*before, *after);
  co_await from->close();
  co_await to->close();
}

namespace {

struct followed {
  bool all_copied = false, ended = false;
  std::optional<error> failure;
};

asio::awaitable<void> follow(store& from, store& to, followed& out) {
  co_await asio::this_coro::throw_if_cancelled(false);
  transfer::migration_request request;
  request.follow = true;
  request.progress = [&out](const transfer::migration_state& now) { out.all_copied = now.follows; };
  const auto done = co_await transfer::migrate(from, to, std::move(request));
  if (!done) out.failure = done.error();
  out.ended = true;
}

asio::awaitable<bool> become_equal(store& from, store& to) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    const auto was = co_await contents(from), is = co_await contents(to);
    if (was && is && *was == *is) co_return true;
    if (std::chrono::steady_clock::now() > until) {
      EXPECT_EQ(was.value(), is.value());
      co_return false;
    }
    co_await aio::wait_until(aio::after(std::chrono::milliseconds(20)));
  }
}

}  // namespace

// Changes, claims and removals of others, before and after all was copied once.
CO_TEST_WITHIN(Migration, FollowsWhateverOthersDo, std::chrono::seconds(60)) {
  auto from = co_await open_store(context.get_executor(), migration_url(1), store_options());
  CO_ASSERT_OK(from);
  auto to = co_await open_store(context.get_executor(), migration_url(2), store_options());
  CO_ASSERT_OK(to);
  CO_ASSERT_OK(co_await fill(**from, 40, 4));
  followed seen;
  aio::task_group others(context.get_executor(), aio::end_process);
  others.spawn("follow", follow(**from, **to, seen));
  CO_ASSERT_OK(co_await (*from)->erase(owner::user("u:38").value()));
  const bool copied = co_await eventually([&seen] { return seen.all_copied || seen.ended; });
  CO_ASSERT_TRUE(copied);
  CO_ASSERT_OK(co_await (*from)->claim(owner::session("s{1}").value(), owner::user("u:0").value()));
  CO_ASSERT_OK(co_await (*from)->erase(owner::user("u:2").value()));
  CO_ASSERT_OK(co_await (*from)->disconnect(owner::user("u:4").value(), std::nullopt, std::nullopt));
  change anew(owner::user("new").value(), server_name::parse("a").value(), status::connected);
  anew.tools(tools_list::parse("[1]").value());
  CO_ASSERT_OK(co_await (*from)->put(std::move(anew)));
  EXPECT_TRUE(co_await become_equal(**from, **to));
  EXPECT_FALSE(seen.ended);
  co_await others.stop();
  EXPECT_TRUE(seen.ended);
  EXPECT_FALSE(seen.failure);
  co_await (*from)->close();
  co_await (*to)->close();
}

}  // namespace mcpstate::test
