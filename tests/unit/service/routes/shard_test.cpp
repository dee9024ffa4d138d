// SPDX-License-Identifier: MIT
// In which shard an owner lives.
#include "service/routes/shard.hh"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace mcpstate::service {
namespace {

TEST(Shard, KeepsAnOwnerInOneShard) {
  for (const std::size_t count : {1U, 2U, 7U}) {
    std::set<std::size_t> used;
    for (int n = 0; n < 200; ++n) {
      const auto account = owner::user(std::to_string(n)).value();
      const auto index = shard_index(account, count);
      EXPECT_LT(index, count);
      EXPECT_EQ(shard_index(account, count), index);
      used.insert(index);
    }
    EXPECT_EQ(used.size(), count) << "no shard is left empty";
  }
}

TEST(ProcessServices, HandOutTheLatestKeysAndServers) {
  std::ostringstream text;
  log out(log_style::text, log_level::info, text);
  process_services process(process_options(), out);
  const auto before = process.keys();
  EXPECT_TRUE(before->empty());
  EXPECT_EQ(process.servers(), nullptr);
  process.set_keys(access_keys::parse("a-service-token-of-enough-bytes").value());
  EXPECT_FALSE(process.keys()->empty());
  EXPECT_TRUE(before->empty()) << "a request that is under way keeps the keys that it was checked with";
  const auto servers = std::make_shared<const server_registry>();
  process.set_servers(servers);
  EXPECT_EQ(process.servers(), servers);
}

}  // namespace
}  // namespace mcpstate::service
