// SPDX-License-Identifier: MIT
#include "archive/manifest.hh"

#include <optional>

#include "core/json/slice.hh"
#include "core/json/text.hh"
#include "core/text/number.hh"
#include "core/text/printable.hh"

namespace mcpstate::archive {

namespace {

// A member that is a whole number; absent otherwise.
std::optional<std::uint64_t> number_member(std::string_view object, std::string_view name) {
  const auto value = mcp::find_member(object, name);
  return value ? parse_number<std::uint64_t>(*value) : std::nullopt;
}

bool is_object(std::string_view body) { return check_json(body, json_shape::object, 32).ok; }

}  // namespace

std::string encode_head(const head& from) {
  return object_writer()
      .text("product", product_name)
      .text("version", from.version)
      .time("created_at", from.created_at)
      .text("store", from.store)
      .str();
}

result<head> decode_head(std::string_view body) {
  if (!is_object(body)) return error(errc::bad_backup, "its head is no JSON object");
  const auto product = mcp::text_member(body, "product");
  if (product != product_name)
    return error(errc::bad_backup, "this is a backup of '" + printable(product) + "', not of mcpstate");
  head out;
  out.version = mcp::text_member(body, "version");
  out.store = mcp::text_member(body, "store");
  const auto created = from_iso8601(mcp::text_member(body, "created_at"));
  if (!created) return error(errc::bad_backup, "its head does not say when it was made");
  out.created_at = created->time;
  return out;
}

std::string encode_totals(const totals& from) {
  return object_writer()
      .number("owners", from.owners)
      .number("records", from.records)
      .number("left_out", from.left_out)
      .str();
}

result<totals> decode_totals(std::string_view body) {
  if (!is_object(body)) return error(errc::bad_backup, "its end is no JSON object");
  const auto owners = number_member(body, "owners"), records = number_member(body, "records");
  if (!owners || !records) return error(errc::bad_backup, "its end does not say what is in it");
  totals out;
  out.owners = *owners;
  out.records = *records;
  out.left_out = number_member(body, "left_out").value_or(0);
  return out;
}

}  // namespace mcpstate::archive
