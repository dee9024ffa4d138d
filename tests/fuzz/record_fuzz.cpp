// SPDX-License-Identifier: MIT
#include <boost/json/parse.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/connection_json.hpp>
#include <mcpstate/core/record.hpp>

#include "core/json/slice.hh"
#include "fuzz/expect.hh"

// Any bytes as the values of a record's keys: reading never fails, what is shown is valid JSON, and what is written back
// reads the same. Input: member, status, connected_at, info and tools, each ended by '|' (the last one takes the rest); an
// empty one is an absent key.
namespace {

using namespace mcpstate;
using text = std::optional<std::string>;

text take_field(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('|'), rest.size());
  const std::string field(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return field.empty() ? text() : text(field);
}

raw_record split(std::string_view rest) {
  raw_record raw;
  raw.member = take_field(rest).value_or("");
  raw.status = take_field(rest);
  raw.connected_at = take_field(rest);
  raw.info = take_field(rest);
  raw.tools_asked = true;
  if (!rest.empty()) raw.tools = std::make_shared<const std::string>(rest);
  return raw;
}

void check_info(std::string_view bytes) {
  const auto info = decode_info(bytes);
  if (!info) return;
  const auto tail = encode_info_tail(info->state.value_or(status::failed), {}, info->info);
  const auto once = decode_info(encode_info(info->revision, timestamp{}, info->expires_latest, tail));
  MCPSTATE_FUZZ_EXPECT(once && once->revision == info->revision);
  const auto again = encode_info_tail(info->state.value_or(status::failed), {}, once->info);
  const auto twice = decode_info(encode_info(once->revision, timestamp{}, once->expires_latest, again));
  MCPSTATE_FUZZ_EXPECT(twice && twice->info == once->info);
}

// decode_info fills the record without a document. What it accepts is a JSON object to Boost.JSON, too, and it refuses none
// that has a revision. Names that occur twice are left out: which one counts is not promised.
void check_document(std::string_view bytes) {
  const auto read = decode_info(bytes);
  boost::json::parse_options limits;
  limits.max_depth = 32;
  boost::system::error_code ec;
  const auto document = boost::json::parse(boost::json::string_view(bytes.data(), bytes.size()), ec, {}, limits);
  if (read) MCPSTATE_FUZZ_EXPECT(!ec && document.is_object() && document.get_object().contains("revision"));
  if (ec || !document.is_object() || mcp::members_of(bytes).size() != document.get_object().size()) return;
  const auto* revision = document.get_object().if_contains("revision");
  boost::system::error_code not_a_number;
  const auto number = revision == nullptr ? 0 : revision->to_number<std::uint64_t>(not_a_number);
  const bool has_revision = revision != nullptr && !revision->is_double() && !not_a_number;
  MCPSTATE_FUZZ_EXPECT(read.has_value() == (has_revision && bytes.size() <= 1024u * 1024));
  MCPSTATE_FUZZ_EXPECT(!read || read->revision == number);
  const auto* url = document.get_object().if_contains("url");
  MCPSTATE_FUZZ_EXPECT(!read ||
                       read->info.url == (url && url->is_string() ? std::string(url->get_string()) : std::string()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const owner who = *owner::user("42");
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_info(bytes);
  check_document(bytes);
  const raw_record raw = split(bytes);
  if (raw.info) check_info(*raw.info);
  if (raw.info) check_document(*raw.info);
  const auto c = read_record(who, raw);
  MCPSTATE_FUZZ_EXPECT(c.has_value() == (raw.status || raw.info));
  if (!c) return 0;
  MCPSTATE_FUZZ_EXPECT(c->connected() == (raw.status == "CONNECTED"));
  MCPSTATE_FUZZ_EXPECT(c->connected() || !c->connected_at);
  boost::json::parse_options limits;
  limits.max_depth = 80;
  boost::system::error_code ec;
  boost::json::parse(to_json(*c), ec, {}, limits);
  MCPSTATE_FUZZ_EXPECT(!ec);
  return 0;
}
