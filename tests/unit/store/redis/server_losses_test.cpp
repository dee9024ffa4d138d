// SPDX-License-Identifier: MIT
#include "store/redis/server_losses.hh"

#include <gtest/gtest.h>

#include <string>

namespace mcpstate {
namespace {

// As servers write it.
std::string info_of(const std::string& run_id, const std::string& replication_id, std::uint64_t evicted) {
  return "# Server\r\nredis_version:7.0.15\r\nrun_id:" + run_id +
         "\r\n\r\n# Replication\r\nrole:master\r\nmaster_replid:" + replication_id +
         "\r\nmaster_replid2:0000\r\n\r\n# Stats\r\nexpired_keys:4\r\nevicted_keys:" + std::to_string(evicted) +
         "\r\nevicted_clients:9\r\n";
}

data_losses found_after(std::initializer_list<std::string> infos) {
  server_losses tested;
  for (const auto& each : infos) tested.note_info(each);
  return tested.found();
}

data_losses losses_of(std::uint64_t replaced, std::uint64_t flushed, std::uint64_t evicted) {
  data_losses out;
  out.replaced = replaced;
  out.flushed = flushed;
  out.evicted = evicted;
  return out;
}

TEST(ServerLosses, TakeTheFirstAnswerAsItIs) {
  EXPECT_EQ(found_after({info_of("a", "r", 7)}), data_losses());
  EXPECT_EQ(found_after({info_of("a", "r", 7), info_of("a", "r", 7)}), data_losses());
}

TEST(ServerLosses, AreFoundWhereAnotherServerAnswers) {
  EXPECT_EQ(found_after({info_of("a", "r", 0), info_of("b", "r", 0)}), losses_of(1, 0, 0));
  EXPECT_EQ(found_after({info_of("a", "r", 0), info_of("b", "s", 0), info_of("a", "r", 0)}), losses_of(2, 0, 0));
}

// The same process has taken over the data of another primary.
TEST(ServerLosses, AreFoundWhereAnotherCopyOfTheDataAnswers) {
  EXPECT_EQ(found_after({info_of("a", "r", 0), info_of("a", "s", 0)}), losses_of(1, 0, 0));
}

TEST(ServerLosses, CountTheKeysThatAServerEvicts) {
  EXPECT_EQ(found_after({info_of("a", "r", 5), info_of("a", "r", 8), info_of("a", "r", 9)}), losses_of(0, 0, 4));
  EXPECT_EQ(found_after({info_of("a", "r", 5), info_of("b", "s", 3)}), losses_of(1, 0, 3)) << "it counts from its start";
  EXPECT_EQ(found_after({info_of("a", "r", 5), info_of("a", "r", 0), info_of("a", "r", 2)}), losses_of(0, 0, 2))
      << "CONFIG RESETSTAT";
}

TEST(ServerLosses, CountFlushes) {
  server_losses tested;
  tested.note_info(info_of("a", "r", 0));
  tested.note_flush();
  tested.note_flush();
  EXPECT_EQ(tested.found(), losses_of(0, 2, 0));
}

TEST(ServerLosses, AreNotConcludedFromWhatAServerDoesNotSay) {
  EXPECT_EQ(found_after({info_of("a", "r", 5), "", "# Server\r\n", "run_id:\r\n", "evicted_keys:many\r\n", "run_id",
                         info_of("a", "r", 5)}),
            data_losses());
  EXPECT_EQ(found_after({"redis_version:7\r\n", info_of("a", "r", 5)}), data_losses());
}

TEST(ServerLosses, AreToldByTheirGravestCause) {
  const data_losses none;
  EXPECT_EQ(loss_remark(none, none), "");
  EXPECT_NE(loss_remark(none, losses_of(1, 1, 1)).find("another server"), std::string_view::npos);
  EXPECT_NE(loss_remark(losses_of(1, 0, 0), losses_of(1, 1, 1)).find("flushed"), std::string_view::npos);
  EXPECT_NE(loss_remark(losses_of(1, 1, 0), losses_of(1, 1, 1)).find("removed keys"), std::string_view::npos);
  EXPECT_EQ(loss_remark(losses_of(1, 1, 1), losses_of(1, 1, 1)), "");
}

}  // namespace
}  // namespace mcpstate
