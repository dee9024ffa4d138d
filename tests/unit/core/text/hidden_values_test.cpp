// SPDX-License-Identifier: MIT
#include "core/text/hidden_values.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/json/text.hh"
#include "core/text/base64.hh"
#include "core/text/hex.hh"
#include "support/seed.hh"

namespace mcpstate {
namespace {

std::string percent_encoded(const std::string& text, hex_case letters) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      out += c;
    } else {
      out += '%';
      append_hex(out, static_cast<unsigned char>(c), letters);
    }
  }
  return out;
}

std::string json_escaped(const std::string& text) {
  std::string out;
  append_json_string(out, text);
  return out.substr(1, out.size() - 2);
}

std::string html_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const std::array<std::pair<char, const char*>, 5> named{
        {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}}};
    const auto found = std::find_if(named.begin(), named.end(), [c](const auto& each) { return each.first == c; });
    out += found == named.end() ? std::string(1, c) : found->second;
  }
  return out;
}

std::string unicode_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out += "\\u00" + to_hex(std::string(1, c));
  return out;
}

using spelling = std::function<std::string(const std::string&)>;

std::vector<spelling> spellings() {
  return {[](const std::string& text) { return text; },
          [](const std::string& text) { return percent_encoded(text, hex_case::upper); },
          [](const std::string& text) { return percent_encoded(text, hex_case::lower); },
          json_escaped, html_escaped, unicode_escaped};
}

// Of bytes that mean something to one of the spellings, and of letters.
std::string random_secret(std::mt19937_64& random) {
  constexpr std::string_view bytes = "abcdefXYZ0189%&;\\\"'<>/+= .-_#?x";
  std::string out(8 + random() % 30, ' ');
  for (char& c : out) c = bytes[random() % bytes.size()];
  out.front() = 'S';
  out.back() = 'E';
  return out;
}

TEST(HiddenValues, AreHiddenWhereverTheyStand) {
  const auto values = longest_first({"abc", "abcdef", "", "abc", "xyz"});
  EXPECT_EQ(values, (std::vector<std::string>{"abcdef", "abc", "xyz", ""}));
  EXPECT_EQ(without_values("1 abcdef 2 abcabc 3 Xxyz", values), "1 [hidden] 2 [hidden][hidden] 3 X[hidden]");
  EXPECT_EQ(without_values("nothing", values), "nothing");
  EXPECT_EQ(without_values("[hidden]", {"hidden"}), "[[hidden]]");
  EXPECT_EQ(without_values("", values), "");
  EXPECT_EQ(without_values("text", {}), "text");
}

TEST(HiddenValues, AreHiddenInEverySpellingAndThoseInEachOther) {
  std::mt19937_64 random(test::seed());
  const auto all = spellings();
  for (int round = 0; round < 300; ++round) {
    const std::string secret = random_secret(random);
    for (const auto& inner : all) {
      for (const auto& outer : all) {
        const std::string shown = "bad key {" + outer(inner(secret)) + "} refused";
        EXPECT_EQ(without_values(shown, {secret}), "bad key {[hidden]} refused") << secret << " as " << shown;
      }
    }
  }
}

TEST(HiddenValues, AreHiddenDecodedWhereTheyAreEncodedThemselves) {
  const std::vector<std::string> values{"QUERYsecret%2Fabc%2Bdef%3D%3Dend"};
  for (const char* const shown : {"QUERYsecret/abc+def==end", "QUERYsecret/abc def==end", "QUERYsecret%2fabc%2bdef%3d%3dend",
                                  "QUERYsecret\\/abc+def==end", "QUERYsecret%252Fabc%252Bdef%253D%253Dend"}) {
    EXPECT_EQ(without_values(std::string("{'key': ['") + shown + "']}", values), "{'key': ['[hidden]']}");
  }
  EXPECT_EQ(without_values("key p&q r", {"p%26q+r"}), "key [hidden]");
}

TEST(HiddenValues, AreHiddenAcrossLines) {
  const std::vector<std::string> values{"s3cret-of/the<house"};
  for (const char* const shown :
       {"s3cret-of\n/the<house", "s3cret-\r\n    of/the<ho\r\nuse", "s3cret-of\\n/the<house", "s3cret-of%2\nFthe<house",
        "s3cret-of/the&l\n t;house"}) {
    EXPECT_EQ(without_values(std::string("a ") + shown + "\nb", values), "a [hidden]\nb") << shown;
  }
  EXPECT_EQ(without_values("pass\n  phrase", {"pass phrase"}), "[hidden]");
  EXPECT_EQ(without_values("one\ntwo", {"one-two"}), "one\ntwo");
}

TEST(HiddenValues, AreHiddenInBase64) {
  const std::string value = "user:p4ssw?rd>";
  for (const std::string& digits : {to_base64(value), to_base64url(value)}) {
    EXPECT_EQ(without_values("got '" + digits + "'", {value}), "got '[hidden]'");
  }
  // With more behind it, the digits of the last bytes are others.
  EXPECT_EQ(without_values(to_base64(value + ":more"), {value}).find(to_base64(value).substr(0, 16)), std::string::npos);
}

TEST(HiddenValues, LeaveEverythingElseAsItWas) {
  std::mt19937_64 random(test::seed());
  constexpr std::string_view bytes = "ab%&;\\\"2Fu0041\n\r +";
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 60, ' ');
    for (char& c : text) c = bytes[random() % bytes.size()];
    EXPECT_EQ(without_values(text, {"never-there", "zzzzzz"}), text);
    const std::string around = without_values("left <" + text + "> right never-there", {"never-there"});
    EXPECT_EQ(around, "left <" + text + "> right [hidden]");
  }
}

// What a server that knows the value can make of it: each of these was a square of the length once, in some search.
TEST(HiddenValues, TakeATimeThatGrowsWithTheTextAlone) {
  const auto seconds = [](std::size_t length) {
    std::string text;
    while (text.size() < length) text += "aaaa%61&#97;\\u0061\n";
    const std::vector<std::string> values{std::string(400, 'a') + "b", std::string(300, 'a'), "aaaaaab"};
    const auto begun = std::clock();
    EXPECT_LT(without_values(std::move(text), values).size(), length);
    return static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC;
  };
  const double small = seconds(20'000);
  EXPECT_LT(seconds(200'000), 40 * small + 0.1);
}

}  // namespace
}  // namespace mcpstate
