// SPDX-License-Identifier: MIT
#include "archive/archived_record.hh"

#include <mcpstate/core/encoded_name.hpp>
#include <mcpstate/core/record_info.hpp>
#include <mcpstate/core/tools.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "archive/numbers.hh"

namespace mcpstate::archive {

namespace {

using std::chrono::milliseconds;

// Do not change: they are in files.
enum class field : std::uint8_t { owner = 1, member = 2, remaining = 3, info = 4, tools = 5 };

constexpr std::size_t length_bytes = 4, tag_bytes = 1;
constexpr std::uint64_t most_left = 253'402'300'799'000;  // milliseconds; no time is later than the year 9999

void append_field(std::string& out, field tag, std::string_view bytes) {
  out += static_cast<char>(tag);
  append_number(out, static_cast<std::uint32_t>(bytes.size()));
  out.append(bytes);
}

// The fields of one record; empty where one is missing.
struct raw_fields {
  std::string_view owner, member, remaining, info;
  std::optional<std::string_view> tools;
};

void take_field(raw_fields& out, std::uint8_t tag, std::string_view bytes) {
  switch (static_cast<field>(tag)) {
    case field::owner:
      out.owner = bytes;
      break;
    case field::member:
      out.member = bytes;
      break;
    case field::remaining:
      out.remaining = bytes;
      break;
    case field::info:
      out.info = bytes;
      break;
    case field::tools:
      out.tools = bytes;
      break;
  }
}

// Absent: the bytes are no fields.
std::optional<raw_fields> split_fields(std::string_view bytes) {
  raw_fields out;
  while (!bytes.empty()) {
    if (bytes.size() < tag_bytes + length_bytes) return std::nullopt;
    const auto tag = take_number<std::uint8_t>(bytes);
    const auto length = take_number<std::uint32_t>(bytes);
    if (length > bytes.size()) return std::nullopt;
    take_field(out, tag, bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  return out;
}

result<archived_record> make_record(const raw_fields& fields) {
  MCPSTATE_TRY(account, owner::parse(fields.owner));
  const auto info = decode_info(fields.info);
  if (!info || !info->state) return error(errc::bad_backup, "its status is unknown to this version");
  if (fields.member.empty() || fields.member.size() > 3 * max_name_bytes)
    return error(errc::bad_backup, "the name of its server is empty or too long");
  if (info->revision > max_revision) return error(errc::bad_backup, "its revision is larger than any can be");
  if (fields.tools && fields.tools->size() > default_tools_limit) return error(errc::bad_backup, "its tools are too long");
  archived_record out(connection(std::move(account), name_of_member(fields.member).text));
  connection& c = out.record;
  c.member = fields.member;
  c.state = info->state;
  c.revision = info->revision;
  if (c.connected() && info->connected_at)
    if (const auto when = from_iso8601(*info->connected_at)) c.connected_at = when->time;
  c.expires_at = info->expires_at;
  c.expires_latest = info->expires_latest;
  c.info = info->info;
  if (fields.tools) c.tools = std::make_shared<const std::string>(*fields.tools);
  if (fields.remaining.size() == sizeof(std::uint64_t))
    out.remaining = milliseconds(static_cast<std::int64_t>(std::min(number_at<std::uint64_t>(fields.remaining), most_left)));
  return out;
}

std::string name_text(const raw_fields& fields) {
  return std::string(fields.owner).append(" ").append(name_of_member(std::string(fields.member)).text);
}

}  // namespace

std::size_t archived_bytes(const connection& one) noexcept { return 1024 + (one.tools ? one.tools->size() : 0); }

void append_record(std::string& body, const connection& one, timestamp now) {
  const std::size_t start = body.size();
  append_number(body, std::uint32_t{0});
  append_field(body, field::owner, one.owner.text());
  append_field(body, field::member, one.member.empty() ? encode_name(one.server) : one.member);
  if (one.expires_at) {
    const auto left = std::chrono::floor<milliseconds>(*one.expires_at - now).count();
    std::string bytes;
    append_number(bytes, static_cast<std::uint64_t>(left > 0 ? left : 0));
    append_field(body, field::remaining, bytes);
  }
  append_field(body, field::info,
               encode_info(one.revision, one.expires_at.value_or(timestamp{}), one.expires_latest,
                           encode_info_tail(*one.state, one.connected_at, one.info)));
  if (one.tools) append_field(body, field::tools, *one.tools);
  std::string length;
  append_number(length, static_cast<std::uint32_t>(body.size() - start - length_bytes));
  body.replace(start, length_bytes, length);
}

result<archived_records> read_records(std::string_view body) {
  archived_records out;
  while (!body.empty()) {
    if (body.size() < length_bytes) return error(errc::bad_backup, "a record has no length");
    const auto length = take_number<std::uint32_t>(body);
    if (length > body.size()) return error(errc::bad_backup, "a record is longer than its section");
    const auto fields = split_fields(body.substr(0, length));
    if (!fields) return error(errc::bad_backup, "a record is not made of fields");
    body.remove_prefix(length);
    auto made = make_record(*fields);
    if (made)
      out.records.push_back(std::move(*made));
    else
      out.unusable.push_back({name_text(*fields), made.error().detail()});
  }
  return out;
}

}  // namespace mcpstate::archive
