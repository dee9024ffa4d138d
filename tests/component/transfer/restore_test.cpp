// SPDX-License-Identifier: MIT
#include <mcpstate/aio/task_group.hpp>

#include "component/transfer/transfer_scene.hh"
#include "support/intercepting_backend.hh"
#include "support/manual_clock.hh"
#include "support/redis_server.hh"

namespace mcpstate::test {

namespace {

// A backup of 60 owners with 5 records each.
task<std::string> sample_text(asio::io_context& context) {
  auto from = make_memory_store(context.get_executor(), store_options());
  MCPSTATE_CO_CHECK(co_await fill(*from, 60, 5));
  auto text = co_await backup_text(*from);
  co_await from->close();
  co_return text;
}

}  // namespace

CO_TEST(Restore, ChecksAFileThatIsCutAtEvery997thByte) {
  const auto text = co_await sample_text(context);
  CO_ASSERT_OK(text);
  for (std::size_t size = 0; size < text->size(); size += 997) {
    const auto cut = text->substr(0, size);
    text_source from(cut);
    const auto checked = co_await transfer::check_backup(from, nullptr);
    CO_ASSERT_FAILS(checked, errc::bad_backup);
  }
}

CO_TEST(Restore, IsDoneAgainWithoutAnyHarm) {
  const auto text = co_await sample_text(context);
  CO_ASSERT_OK(text);
  auto to = make_memory_store(context.get_executor(), store_options());
  for (const bool look_first : {false, false, true}) {
    transfer::restore_request request;
    request.look_first = look_first;
    const auto before = co_await contents(*to);
    CO_ASSERT_OK(before);
    const auto done = co_await restore_text(*text, *to, std::move(request));
    CO_ASSERT_OK(done);
    const auto after = co_await contents(*to);
    CO_ASSERT_OK(after);
    EXPECT_EQ(done->written, before->empty() ? 300u : 0u);
    EXPECT_EQ(done->present, before->empty() ? 0u : 300u);
    if (!before->empty()) {
      EXPECT_EQ(*before, *after);
    }
  }
  co_await to->close();
}

CO_TEST(Restore, GoesOnWhereItWasStopped) {
  const auto text = co_await sample_text(context);
  CO_ASSERT_OK(text);
  auto to = make_memory_store(context.get_executor(), store_options());
  text_source broken(*text);
  broken.piece = 4096;
  broken.whole = text->size() / 2;
  const auto stopped = co_await transfer::restore_backup(broken, *to, transfer::restore_request());
  CO_ASSERT_FAILS(stopped, errc::storage_failed);
  transfer::restore_request request;
  request.look_first = true;
  const auto done = co_await restore_text(*text, *to, std::move(request));
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->written + done->present, 300u);
  const auto all = co_await contents(*to);
  CO_ASSERT_OK(all);
  EXPECT_EQ(std::count(all->begin(), all->end(), '\n'), 300);
  co_await to->close();
}

CO_TEST(Restore, WritesNothingInADryRun) {
  const auto text = co_await sample_text(context);
  CO_ASSERT_OK(text);
  auto to = make_memory_store(context.get_executor(), store_options());
  CO_ASSERT_OK(co_await fill(*to, 3, 5));  // with higher revisions
  const auto before = co_await contents(*to);
  transfer::restore_request request;
  request.dry_run = true;
  const auto done = co_await restore_text(*text, *to, std::move(request));
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->written, 285u);
  EXPECT_EQ(done->present, 15u);
  const auto after = co_await contents(*to);
  EXPECT_EQ(*before, *after);
  transfer::restore_request really;
  const auto written = co_await restore_text(*text, *to, std::move(really));
  CO_ASSERT_OK(written);
  EXPECT_EQ(written->written, done->written);
  EXPECT_EQ(written->present, done->present);
  co_await to->close();
}

CO_TEST(Restore, TakesOnlyTheOwnersThatWereAskedFor) {
  const auto text = co_await sample_text(context);
  CO_ASSERT_OK(text);
  auto to = make_memory_store(context.get_executor(), store_options());
  transfer::restore_request request;
  request.owners.push_back(owner::user("u:2").value());
  request.owners.push_back(owner::session("s{3}").value());
  const auto done = co_await restore_text(*text, *to, std::move(request));
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->written, 10u);
  EXPECT_EQ(done->unwanted, 290u);
  co_await to->close();
}

// The time between backup and restore does not count, unless that is asked for.
CO_TEST(Restore, LetsRecordsLiveAsLongAsTheyHadToLive) {
  manual_clock clock;
  store_options options;
  options.clock = &clock;
  options.ttl = std::chrono::hours(10);
  auto from = make_memory_store(context.get_executor(), options);
  CO_ASSERT_OK(co_await fill(*from, 1, 1));
  clock.advance(std::chrono::hours(4));
  const auto text = co_await backup_text(*from);
  CO_ASSERT_OK(text);
  clock.advance(std::chrono::hours(100));
  auto to = make_memory_store(context.get_executor(), options);
  const auto late = co_await restore_text(*text, *to, to_the_very_time());
  CO_ASSERT_OK(late);
  EXPECT_EQ(late->expired, 1u);
  const auto done = co_await restore_text(*text, *to, transfer::restore_request());
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->written, 1u);
  const auto all = co_await to->list(owner::user("u:0").value(), tools_wanted::no);
  CO_ASSERT_OK(all);
  CO_ASSERT_EQ((*all)->size(), 1u);
  EXPECT_EQ((*all)->front().expires_at, clock.now() + std::chrono::hours(6));
  co_await from->close();
  co_await to->close();
}

// A key of a wrong type costs its record, and no other.
CO_TEST_WITHIN(Restore, GoesOnPastARecordThatCannotBeWritten, std::chrono::seconds(60)) {
  const redis_server server;
  const auto text = co_await sample_text(context);
  CO_ASSERT_OK(text);
  auto to = co_await open_store(context.get_executor(), "redis://127.0.0.1:" + std::to_string(server.port()) + "/0",
                                store_options());
  CO_ASSERT_OK(to);
  const auto command =
      "redis-cli -p " + std::to_string(server.port()) + " LPUSH 'mcp:user:u%3A2:server:server 1%2A:tools' x > /dev/null";
  CO_ASSERT_EQ(std::system(command.c_str()), 0);
  const auto done = co_await restore_text(*text, **to, transfer::restore_request());
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->written, 299u);
  CO_ASSERT_EQ(done->faults.count(), 1u);
  EXPECT_EQ(done->faults.first().front().find("user:u:2 server 1*: "), 0u) << done->faults.first().front();
  co_await (*to)->close();
}

namespace {

task<void> refuse_sometimes(std::string step, std::shared_ptr<int> refusals) {
  if (step != "restore" || *refusals == 0) co_return result<void>();
  --*refusals;
  co_return error(errc::loading, "the server is loading");
}

}  // namespace

// What a server that is away for a moment refuses is tried again.
CO_TEST(Restore, OutlastsAShortOutage) {
  const auto text = co_await sample_text(context);
  CO_ASSERT_OK(text);
  const auto refusals = std::make_shared<int>(3);
  step_interceptor outage = [refusals](std::string step, std::optional<owner>) {
    return refuse_sometimes(std::move(step), refusals);
  };
  auto inside = make_memory_backend(context.get_executor(), store_options());
  store to(std::make_unique<intercepting_backend>(std::move(inside), std::move(outage)));
  const auto done = co_await restore_text(*text, to, transfer::restore_request());
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->written, 300u);
  EXPECT_EQ(*refusals, 0);
  co_await to.close();
}

}  // namespace mcpstate::test
