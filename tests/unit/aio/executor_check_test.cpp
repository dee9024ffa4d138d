// SPDX-License-Identifier: MIT
#include "aio/executor_check.hh"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/system_executor.hpp>

#include <gtest/gtest.h>

namespace mcpstate::aio {
namespace {

TEST(ExecutorCheck, KnowsWhetherTheThreadRunsTheExecutor) {
  boost::asio::io_context io, another;
  bool on_own = false, on_another = true;
  boost::asio::post(io, [&] {
    on_own = is_on_executor(io.get_executor());
    on_another = is_on_executor(another.get_executor());
  });
  EXPECT_FALSE(is_on_executor(io.get_executor()));
  io.run();
  EXPECT_TRUE(on_own);
  EXPECT_FALSE(on_another);
  EXPECT_FALSE(is_on_executor(io.get_executor())) << "it runs no more";
}

TEST(ExecutorCheck, TellsAStrandFromItsContext) {
  boost::asio::io_context io;
  const auto strand = boost::asio::make_strand(io);
  bool inside = false, beside = true;
  boost::asio::post(strand, [&] { inside = is_on_executor(strand); });
  boost::asio::post(io, [&] { beside = is_on_executor(strand); });
  io.run();
  EXPECT_TRUE(inside);
  EXPECT_FALSE(beside) << "the context of a strand is not the strand";
}

TEST(ExecutorCheck, TrustsExecutorsThatCannotTell) { EXPECT_TRUE(is_on_executor(boost::asio::system_executor())); }

#ifndef NDEBUG
TEST(ExecutorCheckDeathTest, EndsTheProcessInDebugBuilds) {
  boost::asio::io_context io;
  EXPECT_DEATH(assert_on_executor(io.get_executor()), "outside its executor");
}
#endif

}  // namespace
}  // namespace mcpstate::aio
