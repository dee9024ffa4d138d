// SPDX-License-Identifier: MIT
#include "mcp/protocol/jsonrpc.hh"

#include <charconv>

#include <algorithm>
#include <utility>

#include "core/json/slice.hh"
#include "core/text/directions.hh"
#include "core/text/number.hh"

namespace mcpstate::mcp {
namespace {

constexpr std::size_t max_id_bytes = 1024;     // it goes back with every answer
constexpr std::size_t max_batch = 1000;        // messages that are read at once
constexpr std::size_t much_room = 256 * 1024;  // not to be carried along unused

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
  bool twice = false;  // a member of these came twice: who reads the first, and who the last, would see different messages

  void set(std::optional<std::string_view>& member, std::string_view value) {
    twice = twice || member.has_value();
    member = value;
  }
};

fields fields_of(std::string_view object) {
  fields out;
  json_walk walk(object);
  for (bool more = walk.enter(); more; more = walk.next()) {
    const std::string key = text_of(walk.take_key()).value_or(std::string());
    const std::string_view value = walk.take();
    if (key == "jsonrpc") out.set(out.version, value);
    if (key == "id") out.set(out.id, value);
    if (key == "method") out.set(out.method, value);
    if (key == "params") out.set(out.params, value);
    if (key == "result") out.set(out.result, value);
    if (key == "error") out.set(out.failure, value);
  }
  return out;
}

result<std::string> id_of(const fields& read) {
  if (!read.id || kind_of(*read.id) == json_kind::null) return std::string();
  const json_kind kind = kind_of(*read.id);
  if (kind != json_kind::number && kind != json_kind::string) return not_rpc("its id is neither a number nor a string");
  const bool fraction = kind == json_kind::number && read.id->find_first_of(".eE") != std::string_view::npos;
  if (fraction) return not_rpc("its id is a number and no integer");
  if (read.id->size() > max_id_bytes) return not_rpc("its id is longer than " + std::to_string(max_id_bytes) + " bytes");
  return std::string(*read.id);
}

// The messages but for their bodies, which stay where they are in the text.
struct decoded {
  message msg;
  std::string_view body;
};

result<decoded> decode_call(const fields& read, decoded out) {
  if (kind_of(*read.method) != json_kind::string) return not_rpc("its method is not a string");
  out.msg.type = out.msg.id.empty() ? message::kind::notification : message::kind::request;
  out.msg.method = text_of(*read.method).value_or(std::string());
  out.body = read.params.value_or(std::string_view());
  return out;
}

result<decoded> decode_failure(const fields& read, decoded out) {
  if (kind_of(*read.failure) != json_kind::object) return not_rpc("its error is not an object");
  out.msg.type = message::kind::failure;
  out.msg.error_code = code_of(find_member(*read.failure, "code").value_or("0"));
  out.msg.error_message = without_directions(text_member(*read.failure, "message"));
  out.msg.error_data = find_member(*read.failure, "data").value_or(std::string_view());
  return out;
}

result<decoded> decode_one(std::string_view text) {
  if (kind_of(text) != json_kind::object) return not_rpc("it is not an object");
  const fields read = fields_of(text);
  if (read.twice) return not_rpc("it has a member twice");
  if (!read.version || text_of(*read.version) != "2.0") return not_rpc("\"jsonrpc\" is not \"2.0\"");
  MCPSTATE_TRY(id, id_of(read));
  decoded out;
  out.msg.id = std::move(id);
  if (read.method) return decode_call(read, std::move(out));
  if (read.failure && kind_of(*read.failure) != json_kind::null) return decode_failure(read, std::move(out));
  if (!read.result) return not_rpc("it has neither method nor result nor error");
  if (out.msg.id.empty()) return not_rpc("it is a result without an id");
  out.msg.type = message::kind::result;
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

result<message> decode_message(std::string text) {
  if (const auto wrong = validate_json(text)) return not_rpc(*wrong);
  if (kind_of(text) == json_kind::array) return not_rpc("a batch, which this protocol version does not have");
  auto read = decode_one(text);
  if (!read) return read.error();
  const std::size_t begin = read->body.empty() ? text.size() : static_cast<std::size_t>(read->body.data() - text.data());
  text.resize(begin + read->body.size());
  text.erase(0, begin);
  if (text.capacity() > text.size() + much_room) text.shrink_to_fit();
  read->msg.body = std::move(text);
  return std::move(read->msg);
}

result<void> decode_messages(std::string text, const std::function<void(message)>& take) {
  if (kind_of(text) != json_kind::array) {
    MCPSTATE_TRY(one, decode_message(std::move(text)));
    take(std::move(one));
    return result<void>();
  }
  if (const auto wrong = validate_json(text)) return not_rpc(*wrong);
  json_walk checked(text);
  std::size_t count = 0;
  for (bool more = checked.enter(); more; more = checked.next()) {
    if (++count > max_batch) return not_rpc("a batch of more than " + std::to_string(max_batch) + " messages");
    const auto part = decode_one(checked.take());
    if (!part) return part.error();
  }
  json_walk parts(text);
  for (bool more = parts.enter(); more; more = parts.next()) {
    auto part = decode_one(parts.take());
    part->msg.body = part->body;
    take(std::move(part->msg));
  }
  return result<void>();
}

std::string without_batch(std::string text) {
  if (kind_of(text) != json_kind::array || validate_json(text)) return text;
  json_walk walk(text);
  if (!walk.enter()) return text;
  const std::string_view only = walk.take();
  if (walk.next()) return text;
  const auto begin = static_cast<std::size_t>(only.data() - text.data());
  text.resize(begin + only.size());
  text.erase(0, begin);
  return text;
}

std::optional<std::uint64_t> number_of_id(std::string_view raw_id) { return parse_number<std::uint64_t>(raw_id); }

std::optional<std::uint64_t> number_of_token(std::string_view raw_token) {
  const bool quoted = raw_token.size() >= 2 && raw_token.front() == '"';
  return number_of_id(quoted ? raw_token.substr(1, raw_token.size() - 2) : raw_token);
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
