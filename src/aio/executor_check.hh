// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <cassert>

// Checks, in debug builds, that an object is used on its executor. Most objects of this project belong to one executor and
// have no locks: using one from another thread is a data race, and the assertion finds it where it begins.
//
//     task<connection> store::put(change c) {
//       aio::assert_on_executor(executor_);
//       …
namespace mcpstate::aio {

// Whether the calling thread runs this executor now. True for an executor of a kind that cannot tell.
[[nodiscard]] inline bool is_on_executor(const boost::asio::any_io_executor& executor) noexcept {
  using context_executor = boost::asio::io_context::executor_type;
  if (const auto* of_context = executor.target<context_executor>()) return of_context->running_in_this_thread();
  if (const auto* strand = executor.target<boost::asio::strand<context_executor>>()) return strand->running_in_this_thread();
  if (const auto* strand = executor.target<boost::asio::strand<boost::asio::any_io_executor>>())
    return strand->running_in_this_thread();
  return true;
}

// Ends the process with a message when the calling thread does not run this executor. Does nothing in release builds
// (NDEBUG).
inline void assert_on_executor([[maybe_unused]] const boost::asio::any_io_executor& executor) noexcept {
  assert(is_on_executor(executor) && "an object is used outside its executor");
}

}  // namespace mcpstate::aio
