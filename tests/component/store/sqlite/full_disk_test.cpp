// SPDX-License-Identifier: MIT
// A full disk: what frees room works, and what takes room fails without a trace. Each on a small disk of its own.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "component/store/child.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {

namespace {

// What each operation said on a full disk of this size.
std::map<std::string, std::string> on_a_full_disk(int kilobytes) {
  temp_dir directory;
  const auto disk = directory.path() / "disk";
  std::filesystem::create_directory(disk);
  child full(std::vector<std::string>{SQLITE_WRITER, "room", (disk / "state.db").string(), std::to_string(kilobytes)});
  std::map<std::string, std::string> said;
  for (auto line = full.line(); !line.empty(); line = full.line()) {
    const auto space = line.find(' ');
    said[line.substr(0, space)] = line.substr(space + 1);
  }
  EXPECT_EQ(full.wait(), 0);
  return said;
}

class SqliteFullDisk : public testing::TestWithParam<int> {};

TEST_P(SqliteFullDisk, LetsRoomBeFreed) {
  auto said = on_a_full_disk(GetParam());
  ASSERT_EQ(said.count("no"), 0u) << "no disk can be mounted here: run the tests as root, or allow user namespaces";
  EXPECT_EQ(said.count("refused:"), 0u) << said["refused:"];
  EXPECT_EQ(said["put"], "disk_full");
  EXPECT_EQ(said["touch"], "ok");
  EXPECT_EQ(said["disconnect"], "ok");
  EXPECT_EQ(said["disconnect_all"], "ok");
  EXPECT_EQ(said["erase"], "ok");
  EXPECT_EQ(said["put_again"], "ok") << "in the room that was freed";
}

INSTANTIATE_TEST_SUITE_P(Sizes, SqliteFullDisk, testing::Values(1000, 3000, 12'000, 32'000));

}  // namespace

}  // namespace mcpstate::test
