// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <mcpstate/manager/registry.hpp>

namespace mcpstate {
namespace {

using namespace std::chrono_literals;

result<server_registry> read(const std::string& members) {
  return server_registry::parse(R"({"mcpServers":{"s":{"command":"c")" + members + "}}}", {});
}

TEST(RegistryStartup, ReadsHowLongAProgramMayBeSilent) {
  const std::pair<const char*, std::chrono::milliseconds> rows[] = {
      {R"(,"startup_timeout_sec":45)", 45s},
      {R"(,"startup_timeout_sec":1.5)", 1500ms},
      {R"(,"timeout":60)", 60s},
      {R"(,"timeout":60000)", 60s},
      {R"(,"timeout":999)", 999s},
      {R"(,"timeout":1000)", 1s},
      {R"(,"timeout":5,"startup_timeout_sec":7)", 7s},
      {R"(,"startup_timeout_sec":7,"timeout":5)", 7s},
  };
  for (const auto& [members, expected] : rows) {
    const auto servers = read(members);
    ASSERT_TRUE(servers.has_value()) << members << servers.error().detail();
    EXPECT_EQ(servers->find("s")->startup_timeout, expected) << members;
    EXPECT_TRUE(servers->remarks().empty()) << members;
  }
  EXPECT_FALSE(read("")->find("s")->startup_timeout);
}

TEST(RegistryStartup, RefusesWhatIsNoTime) {
  for (const char* const members :
       {R"(,"startup_timeout_sec":"45")", R"(,"startup_timeout_sec":0)", R"(,"startup_timeout_sec":-1)",
        R"(,"startup_timeout_sec":3601)", R"(,"timeout":0.5)", R"(,"timeout":true)", R"(,"timeout":1e300)"}) {
    const auto servers = read(members);
    ASSERT_FALSE(servers.has_value()) << members;
    EXPECT_NE(servers.error().detail().find("it is no number of seconds from 1 to 3600"), std::string::npos)
        << servers.error().detail();
  }
}

TEST(RegistryStartup, IsForPrograms) {
  const auto web = server_registry::parse(R"({"mcpServers":{"s":{"url":"https://a.example","startup_timeout_sec":4}}})", {});
  ASSERT_FALSE(web.has_value());
  EXPECT_NE(web.error().detail().find("it is for a command"), std::string::npos);
  const auto ignored = server_registry::parse(R"({"mcpServers":{"s":{"url":"https://a.example","timeout":4}}})", {});
  ASSERT_TRUE(ignored.has_value());
  EXPECT_EQ(ignored->remarks().size(), 1U);
}

}  // namespace
}  // namespace mcpstate
