// SPDX-License-Identifier: MIT
#include "service/dashboard/dashboard.hh"

#include <gtest/gtest.h>

#include <openssl/sha.h>

#include <array>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace mcpstate::service {
namespace {

// MCPSTATE_DASHBOARD_DIR: where the files that were embedded are.
std::string file(const std::string& name) {
  std::ifstream in(std::string(MCPSTATE_DASHBOARD_DIR "/") + name, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string first_half_of_sha256(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < digest.size() / 2; ++i) {
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

// What the page and the scripts that it reaches load, as request paths.
std::set<std::string> reached() {
  std::set<std::string> found = {"/index.html"}, open = found;
  const std::regex reference(R"re((?:src="|href="|from "\./)([a-z_]+\.[a-z]+)")re");
  while (!open.empty()) {
    const std::string path = *open.begin();
    open.erase(path);
    const std::string text = file(path.substr(1));
    for (std::sregex_iterator at(text.begin(), text.end(), reference), end; at != end; ++at) {
      const std::string next = "/" + (*at)[1].str();
      if (found.insert(next).second) open.insert(next);
    }
  }
  return found;
}

TEST(Dashboard, ServesTheBytesOfItsFiles) {
  const std::set<std::string> paths = reached();
  ASSERT_GE(paths.size(), 4u);
  for (const std::string& path : paths) {
    const auto got = dashboard_asset(path);
    ASSERT_TRUE(got) << path;
    const std::string want = file(path.substr(1));
    EXPECT_FALSE(want.empty()) << path;
    EXPECT_EQ(got->bytes, want) << path;
    EXPECT_EQ(got->etag, "\"" + first_half_of_sha256(want) + "\"") << path;
  }
}

TEST(Dashboard, ServesThePageAtTheRoot) {
  const auto root = dashboard_asset("/"), page = dashboard_asset("/index.html");
  ASSERT_TRUE(root && page);
  EXPECT_EQ(root->bytes.data(), page->bytes.data());
  EXPECT_EQ(root->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(root->bytes.substr(0, 15), "<!doctype html>");
}

TEST(Dashboard, ServesEachFileWithItsType) {
  EXPECT_EQ(dashboard_asset("/app.js")->content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(dashboard_asset("/style.css")->content_type, "text/css; charset=utf-8");
  EXPECT_EQ(dashboard_asset("/favicon.svg")->content_type, "image/svg+xml");
}

TEST(Dashboard, LeavesOtherPathsAlone) {
  for (const char* path :
       {"", "app.js", "/app", "/app.js/", "/app.js?x", "//app.js", "/../app.js", "/APP.JS", "/v1/owners"}) {
    EXPECT_FALSE(dashboard_asset(path)) << path;
  }
  EXPECT_FALSE(dashboard_asset(std::string_view("/app.js\0", 8)));
}

// Works offline, and under the policy that it is served with: nothing from elsewhere, nothing inline.
TEST(Dashboard, NeedsNothingExternalAndNothingInline) {
  const std::regex elsewhere(R"(https?://(?!www\.w3\.org/|[a-z.]+\.example/))");
  const std::regex inline_code(R"(<script(?![^>]*\bsrc=)|<style|\bstyle="|\bon[a-z]+="|javascript:)");
  for (const std::string& path : reached()) {
    const std::string text(dashboard_asset(path)->bytes);
    EXPECT_FALSE(std::regex_search(text, elsewhere)) << path;
    if (path.ends_with(".html")) {
      EXPECT_FALSE(std::regex_search(text, inline_code)) << path;
    }
    // Words of servers are text, never markup.
    EXPECT_EQ(text.find("innerHTML"), std::string::npos) << path;
    EXPECT_EQ(text.find("insertAdjacentHTML"), std::string::npos) << path;
  }
}

}  // namespace
}  // namespace mcpstate::service
