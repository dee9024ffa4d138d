// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <mcpstate/core/error.hpp>

// The one asynchronous dialect of mcpstate: a task<T> is awaited, starts lazily, and yields a result<T>.
// Rules for writing and calling them (GCC 12 miscompiles some spellings): CONTRIBUTING, "Coroutines".
namespace mcpstate {

namespace asio = boost::asio;

template <class T = void>
using task = asio::awaitable<result<T>>;

namespace aio {
// The token for I/O inside shells: errors come back as a tuple, never as an exception.
inline constexpr auto use_ec = asio::as_tuple(asio::use_awaitable);
}  // namespace aio

}  // namespace mcpstate
