// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include <mcpstate/aio/task_group.hpp>

namespace mcpstate::test {

// Stands between a store and a redis-server on this machine, and cuts the connection after an exact number of bytes, or lets
// something else happen before a command arrives.
//
// Executor: the context's, one thread. Lifetime: await close() before destroying. Connections come and go freely; only one
// cut at a time is asked for.
class cutting_proxy {
 public:
  enum class way { to_server, to_client };

  cutting_proxy(boost::asio::io_context& context, std::uint16_t server_port);
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  // Lets exactly this many more bytes through in one direction, then cuts both sides of that connection, once: what has
  // already passed to the server is still executed there. Cuts as soon as the last of them has passed; for 0, when the next
  // byte arrives.
  void cut_after(way direction, std::size_t bytes);
  // Forgets a cut that has not come; answers whether one was still to come.
  bool disarm() noexcept;
  // From now on, whenever what is sent to the server holds this word, it is held back until what meanwhile() starts has
  // ended.
  void before_each(std::string word, std::function<boost::asio::awaitable<void>()> meanwhile);
  // Waits until the cut was made and the server has taken in all it was sent. Only after a cut that has come or must come.
  boost::asio::awaitable<void> cut_done();
  boost::asio::awaitable<void> close();

 private:
  struct pair;
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> pump(std::shared_ptr<pair> both, way direction);
  void cut(pair& both);

  boost::asio::io_context& context_;
  boost::asio::ip::tcp::endpoint server_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  bool armed_ = false, done_ = false;
  way direction_ = way::to_server;
  std::size_t left_ = 0;
  std::string word_;
  std::function<boost::asio::awaitable<void>()> meanwhile_;
  boost::asio::steady_timer changed_;
  std::set<std::shared_ptr<pair>> open_;
  aio::task_group work_;
};

}  // namespace mcpstate::test
