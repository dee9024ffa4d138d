// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

#include <charconv>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "component/store/redis/scene.hh"
#include "support/co_test.hh"

// Two instances that hold leases on one server, and another program.
namespace mcpstate::test {

inline constexpr auto time_of_lease = std::chrono::seconds(60);

// The connection of a user to the server "s".
inline managed_name name(const std::string& id) {
  return managed_name(owner::user(id).value(), server_name::parse("s").value());
}

inline instance_report me() {
  instance_report r;
  r.name = "one";
  return r;
}

struct instances_scene : redis_scene {
  using redis_scene::redis_scene;
  task<bool> open_both() {
    for (auto* to : {&a, &b}) {
      auto opened = co_await open();
      if (!opened) co_return opened.error();
      *to = std::move(*opened);
    }
    co_return true;
  }
  asio::awaitable<void> close() {
    co_await a->close();
    co_await b->close();
    co_await foreign.close();
  }
  task<lease> lease_for(store& by, std::string id, std::string holder = "one") {
    auto got = co_await by.leases().take_lease(name(id), std::move(holder), "registered", time_of_lease);
    if (!got) co_return got.error();
    if (!*got) co_return error(errc::lease_lost, "another has it");
    co_return std::move(**got);
  }
  // A section of INFO.
  task<std::string> info(std::string section) {
    auto got = co_await asks("INFO", std::move(section));
    if (!got) co_return got.error();
    co_return std::move(got->text);
  }
  std::unique_ptr<store> a, b;
};

// The number after `label` in an INFO answer; 0 where it is not.
inline std::uint64_t number_after(const std::string& info, const std::string& label) {
  const auto at = info.find(label);
  std::uint64_t n = 0;
  if (at != info.npos) std::from_chars(info.data() + at + label.size(), info.data() + info.size(), n);
  return n;
}

template <class Scene>
asio::awaitable<void> run_instances_scene(asio::io_context& io, const redis_server& server,
                                          asio::awaitable<void> (*run)(Scene& at)) {
  Scene at(io, server);
  CO_ASSERT_OK(co_await at.open_both());
  co_await run(at);
  co_await at.close();
}

// Scene: a instances_scene.
template <class Scene>
class instances_fixture : public testing::Test {
 protected:
  void with(asio::awaitable<void> (*run)(Scene& at)) {
    run_co_test([&](asio::io_context& io) { return run_instances_scene<Scene>(io, server_, run); },
                std::chrono::seconds(60));
  }
  redis_server server_;
};

}  // namespace mcpstate::test
