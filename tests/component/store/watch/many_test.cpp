// SPDX-License-Identifier: MIT
// Very many owners whose records expire in one moment.
#include <gtest/gtest.h>
#include <pthread.h>

#include <memory>
#include <string>
#include <vector>

#include <mcpstate/open_store.hpp>

#include "support/co_test.hh"
#include "support/manual_clock.hh"

namespace mcpstate::test {

namespace {

constexpr int owners = 30'000;
constexpr std::size_t small_stack = 256u * 1024;

owner numbered(int number) { return owner::user(std::to_string(number)).value(); }

asio::awaitable<void> fill(store& s) {
  for (int i = 0; i < owners; ++i) {
    change c(numbered(i), server_name::parse("a").value(), status::connected);
    CO_ASSERT_OK(co_await s.put(std::move(c)));
  }
}

asio::awaitable<void> read_until(watcher& from, event::kind what, int times) {
  for (int seen = 0; seen < times;) {
    const auto got = co_await from.next();
    CO_ASSERT_OK(got);
    if (got->what == what) ++seen;
  }
}

asio::awaitable<void> expire_all_at_once(manual_clock& clock) {
  const auto executor = co_await asio::this_coro::executor;
  store_options options;
  options.clock = &clock;
  const auto s = make_memory_store(executor, options);
  co_await fill(*s);
  std::vector<std::unique_ptr<watcher>> each;
  for (int i = 0; i < owners; ++i) {
    auto opened = co_await s->watch(numbered(i));
    CO_ASSERT_OK(opened);
    each.push_back(std::move(*opened));
  }
  const std::optional<owner> every;
  auto all = co_await s->watch(every);
  CO_ASSERT_OK(all);
  co_await read_until(**all, event::kind::ready, 1);
  clock.advance(std::chrono::hours(25));
  co_await read_until(**all, event::kind::removed, owners);
  for (const auto& one : each) co_await read_until(*one, event::kind::removed, 1);
  co_await s->close();
}

void* run(void*) {
  manual_clock clock;
  run_co_test([&clock](asio::io_context&) { return expire_all_at_once(clock); }, std::chrono::seconds(100));
  return nullptr;
}

}  // namespace

TEST(ManyOwners, ExpireAtOnceOnASmallStack) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, small_stack), 0);
  pthread_t thread{};
  ASSERT_EQ(pthread_create(&thread, &attributes, run, nullptr), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

}  // namespace mcpstate::test
