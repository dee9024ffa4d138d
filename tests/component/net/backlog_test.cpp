// SPDX-License-Identifier: MIT
// A unix socket whose queue is full. What must not happen: that it is taken for a connection.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include <mcpstate/open_store.hpp>

#include "net/dial.hh"
#include "support/co_test.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// Listens, accepts nobody by itself, and is filled until the system lets nobody else in.
class full_listener {
 public:
  full_listener() : path_(directory_.file("s")) {
    const auto address = address_of();
    listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listening_, 1), 0);
    for (;;) {
      const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      clients_.push_back(client);
      if (::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) continue;
      EXPECT_EQ(errno, EAGAIN);
      break;
    }
  }
  ~full_listener() {
    for (const int each : clients_) ::close(each);
    close();
  }
  full_listener(const full_listener&) = delete;
  full_listener& operator=(const full_listener&) = delete;

  void accept_one() { clients_.push_back(::accept(listening_, nullptr, nullptr)); }
  void close() {
    if (listening_ >= 0) ::close(std::exchange(listening_, -1));
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] sockaddr_un address_of() const {
    sockaddr_un out{};
    out.sun_family = AF_UNIX;
    std::strncpy(out.sun_path, path_.c_str(), sizeof out.sun_path - 1);
    return out;
  }
  temp_dir directory_;
  std::string path_;
  int listening_ = -1;
  std::vector<int> clients_;
};

task<net::unix_socket> dial_within(full_listener& listener, std::chrono::milliseconds time) {
  const auto executor = co_await asio::this_coro::executor;
  auto dialling = aio::with_deadline(net::dial_unix(executor, listener.path()), aio::after(time), "too late");
  co_return co_await std::move(dialling);
}

asio::awaitable<void> waits_until_the_deadline() {
  full_listener listener;
  const auto begun = std::chrono::steady_clock::now();
  const auto socket = co_await dial_within(listener, 200ms);
  CO_ASSERT_FAILS(socket, errc::deadline);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 200ms);
}

asio::awaitable<void> connects_when_there_is_room() {
  full_listener listener;
  asio::steady_timer later(co_await asio::this_coro::executor, 100ms);
  later.async_wait([&listener](boost::system::error_code) { listener.accept_one(); });
  const auto socket = co_await dial_within(listener, 10s);
  CO_ASSERT_OK(socket);
}

asio::awaitable<void> says_when_nobody_listens_any_more() {
  full_listener listener;
  asio::steady_timer later(co_await asio::this_coro::executor, 100ms);
  later.async_wait([&listener](boost::system::error_code) { listener.close(); });
  const auto socket = co_await dial_within(listener, 10s);
  CO_ASSERT_FAILS(socket, errc::connect_failed);
}

asio::awaitable<void> opens_no_store() {
  full_listener listener;
  store_options options;
  options.timeout = 300ms;
  const auto begun = std::chrono::steady_clock::now();
  const auto opened = co_await open_store(co_await asio::this_coro::executor, "unix://" + listener.path(), options);
  CO_ASSERT_TRUE(!opened);
  EXPECT_TRUE(opened.error().is(cond::timeout)) << opened.error().full_text();
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 200ms);
}

TEST(FullBacklog, IsNoConnection) {
  run_co_test([](asio::io_context&) { return waits_until_the_deadline(); });
}
TEST(FullBacklog, LetsInWhenThereIsRoom) {
  run_co_test([](asio::io_context&) { return connects_when_there_is_room(); });
}
TEST(FullBacklog, EndsWithItsListener) {
  run_co_test([](asio::io_context&) { return says_when_nobody_listens_any_more(); });
}
TEST(FullBacklog, IsNoStoreThatAnswers) {
  run_co_test([](asio::io_context&) { return opens_no_store(); });
}

}  // namespace
}  // namespace mcpstate::test
