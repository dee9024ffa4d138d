// SPDX-License-Identifier: MIT
#include "mcp/protocol/jsonrpc.hh"

#include <charconv>

#include "core/json/slice.hh"
#include "core/text/directions.hh"
#include "core/text/number.hh"

namespace mcpstate::mcp {
namespace {

error not_rpc(std::string reason) { return error(errc::protocol, "not a JSON-RPC message: " + std::move(reason)); }

// Codes are integers, but some servers write -32601.0; what is no integer at all is 0.
std::int64_t code_of(std::string_view raw) {
  std::int64_t out = 0;
  const auto [end, ec] = std::from_chars(raw.data(), raw.data() + raw.size(), out);
  return ec == std::errc() && end != raw.data() ? out : 0;
}

// The fields of a message as they stand, before it is clear what it is.
struct fields {
  std::optional<std::string_view> version, id, method, params, result, failure;
};

fields fields_of(std::string_view object) {
  fields out;
  json_walk walk(object);
  for (bool more = walk.enter(); more; more = walk.next()) {
    const std::string key = text_of(walk.take_key()).value_or(std::string());
    const std::string_view value = walk.take();
    if (key == "jsonrpc") out.version = value;
    if (key == "id") out.id = value;
    if (key == "method") out.method = value;
    if (key == "params") out.params = value;
    if (key == "result") out.result = value;
    if (key == "error") out.failure = value;
  }
  return out;
}

result<std::string> id_of(const fields& read) {
  if (!read.id || kind_of(*read.id) == json_kind::null) return std::string();
  const json_kind kind = kind_of(*read.id);
  if (kind != json_kind::number && kind != json_kind::string) return not_rpc("its id is neither a number nor a string");
  return std::string(*read.id);
}

result<message> decode_call(const fields& read, message out) {
  if (kind_of(*read.method) != json_kind::string) return not_rpc("its method is not a string");
  out.type = out.id.empty() ? message::kind::notification : message::kind::request;
  out.method = text_of(*read.method).value_or(std::string());
  if (read.params) out.body = *read.params;
  return out;
}

result<message> decode_failure(const fields& read, message out) {
  if (kind_of(*read.failure) != json_kind::object) return not_rpc("its error is not an object");
  out.type = message::kind::failure;
  out.error_code = code_of(find_member(*read.failure, "code").value_or("0"));
  out.error_message = without_directions(text_member(*read.failure, "message"));
  out.error_data = find_member(*read.failure, "data").value_or(std::string_view());
  return out;
}

result<message> decode_one(std::string_view text) {
  if (kind_of(text) != json_kind::object) return not_rpc("it is not an object");
  const fields read = fields_of(text);
  if (!read.version || text_of(*read.version) != "2.0") return not_rpc("\"jsonrpc\" is not \"2.0\"");
  MCPSTATE_TRY(id, id_of(read));
  message out;
  out.id = std::move(id);
  if (read.method) return decode_call(read, std::move(out));
  if (read.failure && kind_of(*read.failure) != json_kind::null) return decode_failure(read, std::move(out));
  if (!read.result) return not_rpc("it has neither method nor result nor error");
  if (out.id.empty()) return not_rpc("it is a result without an id");
  out.type = message::kind::result;
  out.body = *read.result;
  return out;
}

std::string envelope(std::string_view rest) {
  std::string out = "{\"jsonrpc\":\"2.0\",";
  out += rest;
  out += '}';
  return out;
}

std::string call(std::string_view method, std::string_view params) {
  std::string out = "\"method\":" + quote_json(method);
  if (!params.empty()) out.append(",\"params\":").append(params);
  return out;
}

}  // namespace

result<std::vector<message>> decode_messages(std::string_view text, bool batches) {
  if (const auto wrong = validate_json(text)) return not_rpc(*wrong);
  std::vector<std::string_view> parts;
  if (kind_of(text) != json_kind::array) {
    parts.push_back(text);
  } else if (batches) {
    parts = elements_of(text);
  } else {
    return not_rpc("a batch, which this protocol version does not have");
  }
  std::vector<message> out;
  for (const std::string_view part : parts) {
    MCPSTATE_TRY(one, decode_one(part));
    out.push_back(std::move(one));
  }
  return out;
}

std::optional<std::uint64_t> number_of_id(std::string_view raw_id) {
  if (raw_id.size() >= 2 && raw_id.front() == '"') raw_id = raw_id.substr(1, raw_id.size() - 2);
  return parse_number<std::uint64_t>(raw_id);
}

std::string encode_request(std::uint64_t id, std::string_view method, std::string_view params) {
  return envelope("\"id\":" + std::to_string(id) + "," + call(method, params));
}

std::string encode_notification(std::string_view method, std::string_view params) { return envelope(call(method, params)); }

std::string encode_result(std::string_view raw_id, std::string_view result) {
  return envelope("\"id\":" + std::string(raw_id) + ",\"result\":" + std::string(result));
}

std::string encode_failure(std::string_view raw_id, std::int64_t code, std::string_view text) {
  return envelope("\"id\":" + std::string(raw_id) + ",\"error\":{\"code\":" + std::to_string(code) +
                  ",\"message\":" + quote_json(text) + "}");
}

}  // namespace mcpstate::mcp
