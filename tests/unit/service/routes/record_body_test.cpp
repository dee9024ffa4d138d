// SPDX-License-Identifier: MIT
// What a list of records is sent as: the same bytes as to_json, whatever another program has put into the store.
#include <gtest/gtest.h>

#include <mcpstate/core/connection_json.hpp>
#include <mcpstate/core/record.hpp>

#include <algorithm>
#include <cstring>
#include <random>

#include "service/http/etag.hh"
#include "service/routes/record_body.hh"

namespace mcpstate::service {
namespace {

constexpr const char* good_list = R"([ {"name":"a", "n":1.0} ])";

// As it is read from a store where ours stood, and these bytes stand now in the place of its tools.
connection stored(std::string bytes) {
  details info;
  const auto ours = tools_list::parse(good_list).value();
  info.tool_count = ours.count();
  info.tools_hash = ours.hash();
  info.tools_bytes = ours.bytes().size();
  raw_record raw;
  raw.member = "github";
  raw.status = "CONNECTED";
  const timestamp since(std::chrono::hours(1));
  raw.connected_at = to_iso8601(since);
  raw.info = encode_info(7, since + std::chrono::hours(1), std::nullopt, encode_info_tail(status::connected, since, info));
  raw.tools_asked = true;
  raw.tools = std::make_shared<const std::string>(std::move(bytes));
  return *read_record(owner::user("42").value(), std::move(raw));
}

std::string joined(const http_response& what) {
  std::string out;
  for (const auto piece : what.pieces()) {
    EXPECT_FALSE(piece.empty());
    out += piece;
  }
  EXPECT_EQ(out.size(), what.size());
  return out;
}

http_response sent(const std::vector<connection>& all, known_lists& known) {
  record_body body;
  for (const auto& c : all) body.append_record(c, c.tools ? known.inspect(*c.tools) : list_facts());
  http_response out;
  out.etag = etag_of(body.digest());
  body.move_to(out);
  return out;
}

TEST(RecordBody, EqualsToJsonWithoutCopyingTools) {
  known_lists known;
  auto bare = stored(good_list);
  bare.tools.reset();
  const std::vector<connection> all{stored(good_list), bare, stored(good_list)};
  const auto out = sent(all, known);
  EXPECT_EQ(joined(out), to_json(all[0]) + to_json(all[1]) + to_json(all[2]));
  ASSERT_EQ(out.inserts.size(), 2u);
  EXPECT_EQ(out.inserts[1].bytes, all[2].tools);
  EXPECT_EQ(joined(sent({}, known)), "");
}

TEST(RecordBody, OmitsJunkThatLooksLikeAList) {
  known_lists known;
  const std::string list = good_list;
  EXPECT_EQ(joined(sent({stored(list)}, known)), to_json(stored(list)));
  for (const std::string inside : {"],\"owner\":[", "\x01", "\xff", "{", "]["}) {
    auto junk = "[" + inside + std::string(list.size() - inside.size() - 2, ' ') + "]";
    const auto c = stored(junk);
    ASSERT_EQ(c.info.tools_bytes, junk.size());  // :info vouches for it: nothing but its bytes can tell
    ASSERT_TRUE(c.problems.empty());
    EXPECT_EQ(joined(sent({c}, known)).find("\"tools\""), std::string::npos) << junk;
    EXPECT_EQ(joined(sent({c}, known)), to_json(c)) << junk;
  }
}

TEST(RecordBody, ChangesItsTagWithTheTools) {
  known_lists known;
  std::string other = good_list;
  other.replace(other.find("1.0"), 3, "1.1");
  const auto tag = sent({stored(good_list)}, known).etag;
  EXPECT_EQ(sent({stored(good_list)}, known).etag, tag);
  EXPECT_NE(sent({stored(other)}, known).etag, tag);
  EXPECT_NE(sent({stored(good_list), stored(other)}, known).etag, sent({stored(other), stored(good_list)}, known).etag);
}

TEST(KnownLists, ParseAListOnceAndStayBounded) {
  known_lists known;
  EXPECT_EQ(known.kind_of("[", digest_of("[")), list_kind::junk);
  EXPECT_EQ(known.kind_of("[]", digest_of("[]")), list_kind::list);
  EXPECT_EQ(known.size(), 2u);
  // By the digest alone: these bytes are not looked at.
  EXPECT_EQ(known.kind_of("[", digest_of("[]")), list_kind::list);
  EXPECT_EQ(known.kind_of("{}", digest_of("{}")), list_kind::junk);
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  EXPECT_EQ(known.inspect(deep).kind, list_kind::deep);
  for (std::size_t n = 0; n < known_lists::max_size; ++n) {
    const auto list = "[" + std::to_string(n) + "]";
    EXPECT_EQ(known.inspect(list).kind, list_kind::list);
    EXPECT_LE(known.size(), known_lists::max_size);
  }
  EXPECT_LT(known.size(), 10u);
}

// Murmur, the hash of the standard library, takes 8 bytes at a time, and each of its steps can be undone.
constexpr std::uint64_t factor = 0xc6a4a7935bd1e995;

constexpr std::uint64_t inverse(std::uint64_t odd) {
  std::uint64_t out = odd;
  for (int i = 0; i < 6; ++i) out *= 2 - odd * out;
  return out;
}

std::uint64_t stirred(std::uint64_t word) {
  word *= factor;
  word ^= word >> 47U;
  return word * factor;
}

std::uint64_t unstirred(std::uint64_t word) {
  word *= inverse(factor);
  word ^= word >> 47U;
  return word * inverse(factor);
}

std::uint64_t word_at(const std::string& text, std::size_t offset) {
  std::uint64_t out = 0;
  std::memcpy(&out, text.data() + offset, sizeof out);
  return out;
}

// Another text of visible ASCII with the same std::hash, which differs in the 16 bytes from this offset on; they begin with `start`.
std::string colliding(const std::string& text, std::size_t offset, const std::string& start) {
  std::uint64_t before = 0xc70f6907UL ^ (text.size() * factor);
  for (std::size_t i = 0; i < offset; i += 8) before = (before ^ stirred(word_at(text, i))) * factor;
  const std::uint64_t middle = (before ^ stirred(word_at(text, offset))) * factor;
  std::mt19937_64 random(7);
  for (;;) {
    std::string out = text;
    out.replace(offset, start.size(), start);
    for (std::size_t i = start.size(); i < 8; ++i) out[offset + i] = static_cast<char>('a' + random() % 26);
    const std::uint64_t other = (before ^ stirred(word_at(out, offset))) * factor;
    const std::uint64_t last = unstirred(middle ^ stirred(word_at(text, offset + 8)) ^ other);
    std::memcpy(out.data() + offset + 8, &last, sizeof last);
    const auto plain = [](char c) { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; };
    if (out != text && std::all_of(out.begin() + static_cast<std::ptrdiff_t>(offset) + 8,
                                   out.begin() + static_cast<std::ptrdiff_t>(offset) + 16, plain))
      return out;
  }
}

TEST(RecordBody, TellsListsApartWhoseCommonHashCollides) {
  const std::string one = R"([{"x":1},"0123456789abcdef0123456789abcdef"])";
  const std::string other = colliding(one, 16, "k");
  ASSERT_EQ(std::hash<std::string_view>()(one), std::hash<std::string_view>()(other)) << other;
  known_lists known;
  EXPECT_NE(sent({stored(one)}, known).etag, sent({stored(other)}, known).etag);
  EXPECT_NE(digest_of(one), digest_of(other));
}

TEST(RecordBody, OmitsJunkWhoseCommonHashIsThatOfAList) {
  const std::string list = R"([{"x":1},"0123456789abcdef0123456789abcdef"])";
  known_lists known;
  ASSERT_EQ(known.inspect(list).kind, list_kind::list);
  for (const std::string start : {"\",[", "\"}", "\"x"}) {
    const std::string junk = colliding(list, 16, start);
    ASSERT_EQ(std::hash<std::string_view>()(list), std::hash<std::string_view>()(junk)) << junk;
    EXPECT_EQ(joined(sent({stored(junk)}, known)).find("\"tools\""), std::string::npos) << junk;
  }
}

TEST(Etag, IsMadeOfTextsThatNobodyCanMakeCollide) {
  const std::string name = "a description that is long enough, 0123456789abcdef";
  for (const std::size_t offset : {0U, 8U, 24U}) {
    const auto other = colliding(name, offset, "q");
    ASSERT_EQ(std::hash<std::string_view>()(name), std::hash<std::string_view>()(other));
    EXPECT_NE(digest_of(name), digest_of(other));
  }
}

TEST(HttpResponse, IsSentInPieces) {
  http_response out;
  EXPECT_TRUE(out.pieces().empty());
  out.static_body = "static";
  EXPECT_EQ(joined(out), "static");
  out.body = "ac";
  const auto b = std::make_shared<const std::string>("b");
  out.inserts = {{0, b}, {1, b}, {1, std::make_shared<const std::string>()}, {2, b}};
  EXPECT_EQ(joined(out), "babcb");
  out.body.clear();
  out.static_body = {};
  out.inserts = {{0, b}};
  EXPECT_EQ(joined(out), "b");
}

}  // namespace
}  // namespace mcpstate::service
