// SPDX-License-Identifier: MIT
// What must not happen: that a credential can be given on the command line only, or that a message shows one.
#include "cli/words/credentials.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "support/temp_dir.hh"

namespace mcpstate::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

environment with_variables() {
  environment out;
  out.variable = [](const std::string& name) -> std::optional<std::string> {
    if (name == "TOKEN") return "s3cret";
    if (name == "EMPTY") return "";
    if (name == "TWO_LINES") return "s3cret\nX-Other: 1";
    return std::nullopt;
  };
  return out;
}

class Credentials : public testing::Test {
 protected:
  std::string file(const std::string& text) {
    const auto path = dir_.file("credentials");
    std::ofstream(path) << text;
    return path;
  }
  result<name_value_pairs> headers() { return read_headers(args_, with_variables()); }
  result<name_value_pairs> variables() { return read_variables(args_, with_variables()); }
  static void expect_fault(const result<name_value_pairs>& got, const char* says) {
    ASSERT_FALSE(got) << says;
    EXPECT_EQ(got.error().code(), errc::bad_argument);
    EXPECT_THAT(got.error().full_text(), testing::AllOf(HasSubstr(says), Not(HasSubstr("s3cret"))));
  }
  test::temp_dir dir_;
  arguments args_;
};

TEST_F(Credentials, ComeFromTheEnvironment) {
  args_.headers = {"Authorization: Bearer ${TOKEN}", "X-None: ${NONE:-none}", "X-Empty: ${EMPTY:-d}",
                   "X-Plain: $TOKEN $ {TOKEN}"};
  EXPECT_EQ(headers().value(),
            (name_value_pairs{
                {"Authorization", "Bearer s3cret"}, {"X-None", "none"}, {"X-Empty", "d"}, {"X-Plain", "$TOKEN $ {TOKEN}"}}));
  args_.env = {"KEY=${TOKEN}", "BOTH=${TOKEN}${TOKEN}"};
  EXPECT_EQ(variables().value(), (name_value_pairs{{"KEY", "s3cret"}, {"BOTH", "s3crets3cret"}}));
}

TEST_F(Credentials, ComeFromFiles) {
  args_.headers = {"A: 1"};
  args_.header_file = file("# a comment\n\nAuthorization: Bearer s3cret\r\n  X-Other:  ${TOKEN}\n");
  EXPECT_EQ(headers().value(), (name_value_pairs{{"A", "1"}, {"Authorization", "Bearer s3cret"}, {"X-Other", "${TOKEN}"}}));
  args_.env = {"A=1"};
  args_.env_file = file("export KEY='s3cret'\n# none\n");
  EXPECT_EQ(variables().value(), (name_value_pairs{{"A", "1"}, {"KEY", "s3cret"}}));
}

TEST_F(Credentials, ThatAreWrongAreNamedAndNeverShown) {
  for (const auto& [text, says] :
       {std::pair{"A: ${NONE}", "NONE is not set"}, std::pair{"A: s3cret ${TOKEN", "without its }"},
        std::pair{"A: ${a b}", "not the name"}, std::pair{"A: ${TWO_LINES}", "control characters"},
        std::pair{"${TOKEN}", "Name: value"}}) {
    args_.headers = {text};
    expect_fault(headers(), says);
  }
  args_.headers.clear();
  args_.header_file = file("Authorization: x\nBearer s3cret\n");
  expect_fault(headers(), "line 2");
  args_.env = {"${NONE}=s3cret"};
  expect_fault(variables(), "--env");
}

TEST_F(Credentials, ComeFromRegularFilesOfTextOnly) {
  for (const std::string& path : {dir_.path().string(), std::string("/dev/zero"), dir_.file("nowhere")}) {
    args_.header_file = args_.env_file = path;
    expect_fault(headers(), "cannot be read");
    expect_fault(variables(), "cannot be read");
  }
  ASSERT_EQ(::mkfifo(dir_.file("pipe").c_str(), 0600), 0);
  args_.header_file = dir_.file("pipe");
  expect_fault(headers(), "pipe");
  args_.header_file = file(std::string(65537, '\n'));
  expect_fault(headers(), "larger than 64 KiB");
  args_.header_file = file("A: s3cret\xff\n");
  expect_fault(headers(), "UTF-8");
}

}  // namespace
}  // namespace mcpstate::cli
