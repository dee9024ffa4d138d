// SPDX-License-Identifier: MIT
#include "transfer/local_file.hh"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/temp_dir.hh"

namespace mcpstate::test {

namespace {

std::string text_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::size_t files_in(const std::filesystem::path& directory) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

}  // namespace

TEST(OutputFile, AppearsWhenItIsWhole) {
  const temp_dir directory;
  const auto path = directory.file("a.backup");
  std::ofstream(path) << "yesterday's";
  {
    auto file = transfer::output_file::open(path);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write("today's"));
    EXPECT_EQ(text_of_file(path), "yesterday's");
    ASSERT_TRUE((*file)->commit());
  }
  EXPECT_EQ(text_of_file(path), "today's");
  struct stat found{};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  EXPECT_EQ(files_in(directory.path()), 1u);
}

TEST(OutputFile, LeavesNothingWhereItWasNotFinished) {
  const temp_dir directory;
  {
    auto file = transfer::output_file::open(directory.file("a.backup"));
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write("half"));
  }
  EXPECT_EQ(files_in(directory.path()), 0u);
}

TEST(OutputFile, TakesNoOtherThingsThanFiles) {
  const temp_dir directory;
  ASSERT_EQ(::mkfifo(directory.file("pipe").c_str(), 0600), 0);
  for (const auto& path : {directory.file("pipe"), directory.path().string(), directory.file("none/a"),
                           std::string("/dev/null"), std::string()}) {
    const auto file = transfer::output_file::open(path);
    ASSERT_FALSE(file) << path;
    EXPECT_EQ(file.error().code(), errc::bad_argument) << path;
  }
  EXPECT_EQ(files_in(directory.path()), 1u);
}

TEST(InputFile, IsReadToItsEndAndAgain) {
  const temp_dir directory;
  const auto path = directory.file("a.backup");
  std::ofstream(path) << "0123456789";
  auto file = transfer::input_file::open(path);
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->size(), 10u);
  for (int i = 0; i < 2; ++i) {
    std::string all;
    for (auto some = (*file)->read(3); some && !some->empty(); some = (*file)->read(3)) all += *some;
    EXPECT_EQ(all, "0123456789");
    ASSERT_TRUE((*file)->rewind());
  }
}

TEST(InputFile, TakesNoOtherThingsThanFiles) {
  const temp_dir directory;
  ASSERT_EQ(::mkfifo(directory.file("pipe").c_str(), 0600), 0);
  for (const auto& path : {directory.file("pipe"), directory.path().string(), directory.file("none")}) {
    const auto file = transfer::input_file::open(path);
    ASSERT_FALSE(file) << path;
    EXPECT_EQ(file.error().code(), errc::bad_argument) << path;
  }
}

TEST(InputFile, ThatWasStoppedReadsNothingMore) {
  const temp_dir directory;
  const auto path = directory.file("a.backup");
  std::ofstream(path) << "0123456789";
  auto file = transfer::input_file::open(path);
  ASSERT_TRUE(file);
  (*file)->stop();
  const auto some = (*file)->read(3);
  ASSERT_FALSE(some);
  EXPECT_EQ(some.error().code(), errc::stopped);
}

}  // namespace mcpstate::test
