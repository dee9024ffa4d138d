// SPDX-License-Identifier: MIT
// What a list of records is sent as: the same bytes as to_json, whatever another program has put into the store.
#include <gtest/gtest.h>

#include <mcpstate/core/connection_json.hpp>
#include <mcpstate/core/record.hpp>

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
  record_body body(known);
  for (const auto& c : all) body.append_record(c);
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
  EXPECT_FALSE(known.is_list("[", digest_of("[")));
  EXPECT_EQ(known.size(), 0u);
  EXPECT_TRUE(known.is_list("[]", digest_of("[]")));
  // By the digest alone: these bytes are not looked at.
  EXPECT_TRUE(known.is_list("[", digest_of("[]")));
  EXPECT_FALSE(known.is_list("{}", digest_of("{}")));
  for (std::size_t n = 0; n < known_lists::max_size; ++n) {
    const auto list = "[" + std::to_string(n) + "]";
    EXPECT_TRUE(known.is_list(list, digest_of(list)));
    EXPECT_LE(known.size(), known_lists::max_size);
  }
  EXPECT_LT(known.size(), 10u);
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
