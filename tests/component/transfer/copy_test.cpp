// SPDX-License-Identifier: MIT
#include <mcpstate/aio/task_group.hpp>

#include "component/transfer/transfer_scene.hh"
#include "support/redis_server.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {

namespace {

const redis_server& copies_server() {
  static const redis_server server;
  return server;
}

std::string redis_url(int database) {
  return "redis://127.0.0.1:" + std::to_string(copies_server().port()) + "/" + std::to_string(database);
}

}  // namespace

// Each store gets what the one before had, to the byte and the millisecond.
CO_TEST_WITHIN(Backup, CopiesEverythingBetweenAnyTwoStores, std::chrono::seconds(60)) {
  const temp_dir directory;
  store_options tagged;
  tagged.layout = key_layout::tagged;
  tagged.prefix = "other";
  std::vector<std::unique_ptr<store>> stores;
  stores.push_back(make_memory_store(context.get_executor(), store_options()));
  std::vector<std::string> urls;
  urls.push_back("sqlite:" + directory.file("a.db"));
  urls.push_back(redis_url(0));
  urls.push_back(redis_url(0));
  urls.push_back("sqlite:" + directory.file("b.db"));
  for (const auto& url : urls) {
    store_options options;
    if (stores.size() == 3) options = tagged;
    auto opened = co_await open_store(context.get_executor(), url, options);
    CO_ASSERT_OK(opened);
    stores.push_back(std::move(*opened));
  }
  CO_ASSERT_OK(co_await fill(*stores[0], 40, 6));
  const auto first = co_await contents(*stores[0]);
  CO_ASSERT_OK(first);
  CO_ASSERT_EQ(std::count(first->begin(), first->end(), '\n'), 240);
  for (std::size_t i = 1; i < stores.size(); ++i) {
    auto text = co_await backup_text(*stores[i - 1]);
    CO_ASSERT_OK(text);
    const auto done = co_await restore_text(std::move(*text), *stores[i], to_the_very_time());
    CO_ASSERT_OK(done);
    EXPECT_EQ(done->written, 240u);
    EXPECT_EQ(done->faults.count(), 0u);
    const auto now = co_await contents(*stores[i]);
    CO_ASSERT_OK(now);
    EXPECT_EQ(*now, *first) << stores[i]->description();
  }
  for (auto& one : stores) {
    const auto findings = co_await one->examine(false, nullptr);
    CO_ASSERT_OK(findings);
    for (const auto& each : *findings) EXPECT_NE(each.severity, finding::level::problem) << each.text;
    co_await one->close();
  }
}

CO_TEST(Backup, HasTheOwnersThatWereAskedFor) {
  auto from = make_memory_store(context.get_executor(), store_options());
  auto to = make_memory_store(context.get_executor(), store_options());
  CO_ASSERT_OK(co_await fill(*from, 10, 2));
  transfer::backup_request only;
  only.owners.push_back(owner::user("u:4").value());
  only.owners.push_back(owner::user("nobody").value());
  auto text = co_await backup_text(*from, std::move(only));
  CO_ASSERT_OK(text);
  const auto done = co_await restore_text(std::move(*text), *to, transfer::restore_request());
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->written, 2u);
  EXPECT_EQ(done->counts.owners, 1u);
  co_await from->close();
  co_await to->close();
}

CO_TEST(Backup, OfAnEmptyStoreIsWholeAndEmpty) {
  auto from = make_memory_store(context.get_executor(), store_options());
  auto text = co_await backup_text(*from);
  CO_ASSERT_OK(text);
  text_source source(*text);
  const auto checked = co_await transfer::check_backup(source, nullptr);
  CO_ASSERT_OK(checked);
  EXPECT_EQ(checked->counts, archive::totals());
  EXPECT_EQ(checked->first.store, "memory");
  co_await from->close();
}

CO_TEST(Backup, EndsWhereItCannotBeWritten) {
  auto from = make_memory_store(context.get_executor(), store_options());
  CO_ASSERT_OK(co_await fill(*from, 200, 5, 4000));
  text_sink small;
  small.room = 20'000;
  const auto refused = co_await transfer::write_backup(*from, small, transfer::backup_request());
  CO_ASSERT_FAILS(refused, errc::disk_full);
  co_await from->close();
}

namespace {

asio::awaitable<void> keep_writing(store& to, bool& stop, int& written) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (int n = 0; !stop; ++n) {
    const auto name = "server " + std::to_string(n % 5) + "*";
    change up(owner::user("u:" + std::to_string(2 * (n % 50))).value(), server_name::parse(name).value(),
              n % 2 == 0 ? status::connected : status::failed);
    up.tools(tools_list::parse("[" + std::to_string(n) + "]").value());
    up.allow_empty_tools();
    const auto done = co_await to.put(std::move(up));
    if (done) ++written;
  }
}

}  // namespace

// Every record in it is one that was there: its tools are those that its details describe.
CO_TEST_WITHIN(Backup, IsTrueOfAStoreThatOthersWriteTo, std::chrono::seconds(60)) {
  auto from = co_await open_store(context.get_executor(), redis_url(1), store_options());
  CO_ASSERT_OK(from);
  CO_ASSERT_OK(co_await fill(**from, 100, 5));
  aio::task_group others(context.get_executor(), aio::end_process);
  bool stop = false;
  int written = 0;
  others.spawn("writer", keep_writing(**from, stop, written));
  std::vector<std::string> texts;
  for (int i = 0; i < 5; ++i) {
    auto text = co_await backup_text(**from);
    CO_ASSERT_OK(text);
    texts.push_back(std::move(*text));
  }
  stop = true;
  co_await others.join();
  EXPECT_GT(written, 0);
  for (auto& text : texts) {
    auto to = make_memory_store(context.get_executor(), store_options());
    const auto done = co_await restore_text(std::move(text), *to, to_the_very_time());
    CO_ASSERT_OK(done);
    EXPECT_GE(done->written, 500u);
    const auto all = co_await contents(*to);
    CO_ASSERT_OK(all);
    EXPECT_EQ(all->find(" ! "), std::string::npos);
    co_await to->close();
  }
  co_await (*from)->close();
}

}  // namespace mcpstate::test
