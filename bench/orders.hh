// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>

#include <string>

#include <mcpstate/aio/task.hpp>

// How contenders that run coroutines hear the orders of a benchmark (slices.py).
namespace mcpstate::bench {

// The next line without its end; empty when there is none. buffered: what was read beyond it, kept for the next call.
inline asio::awaitable<std::string> read_line(asio::posix::stream_descriptor& in, std::string& buffered) {
  auto into = asio::dynamic_buffer(buffered);
  auto [failed, size] = co_await asio::async_read_until(in, into, '\n', aio::use_ec);
  if (failed) co_return std::string();
  std::string line = buffered.substr(0, size - 1);
  buffered.erase(0, size);
  co_return line;
}

}  // namespace mcpstate::bench
