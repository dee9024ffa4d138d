// SPDX-License-Identifier: MIT
#include "mcp/session_fsm.hh"

#include <algorithm>
#include <array>

#include "mcp/json_slice.hh"

namespace mcpstate::mcp {
namespace {

constexpr std::array<std::string_view, 4> known_versions = {newest_protocol_version, "2025-06-18", "2025-03-26",
                                                            "2024-11-05"};

bool is_object(const std::optional<std::string_view>& value) { return value && kind_of(*value) == json_kind::object; }

// Fills in what the server says about itself; all of it is optional but the version.
void read_server(std::string_view result, handshake& out) {
  const auto info = find_member(result, "serverInfo");
  if (is_object(info)) {
    out.server_name = text_member(*info, "name");
    out.server_version = text_member(*info, "version");
  }
  out.instructions = text_member(result, "instructions");
  const auto capabilities = find_member(result, "capabilities");
  if (!is_object(capabilities)) return;
  out.capabilities = *capabilities;
  const auto tools = find_member(*capabilities, "tools");
  out.has_tools = is_object(tools);
  out.tools_list_changed = out.has_tools && find_member(*tools, "listChanged") == "true";
}

}  // namespace

bool is_known_version(std::string_view version) noexcept {
  return std::find(known_versions.begin(), known_versions.end(), version) != known_versions.end();
}

outgoing session_fsm::numbered(std::string_view method, std::string_view params) {
  const std::uint64_t id = ++last_id_;
  waiting_.insert(id);
  return outgoing(encode_request(id, method, params), id);
}

outgoing session_fsm::start() {
  phase_ = phase::initializing;
  // Declaring no capability is on purpose: declared ones change the tools that a server offers.
  std::string params = "{\"protocolVersion\":" + quote_json(newest_protocol_version) +
                       ",\"capabilities\":{},\"clientInfo\":{\"name\":" + quote_json(client_name_) +
                       ",\"version\":" + quote_json(client_version_) + "}}";
  outgoing out = numbered("initialize", params);
  initialize_id_ = out.id;
  return out;
}

result<handshake> session_fsm::on_initialize_answer(const message& answer) {
  if (answer.what == message::kind::failure) {
    const std::string code = std::to_string(answer.error_code);
    return error(errc::rpc_error, "the server refused initialize with error " + code, answer.error_message);
  }
  if (kind_of(answer.body) != json_kind::object) return error(errc::protocol, "the answer to initialize is not an object");
  handshake out;
  out.protocol_version = text_member(answer.body, "protocolVersion");
  if (out.protocol_version.empty()) return error(errc::protocol, "the answer to initialize names no protocol version");
  if (!is_known_version(out.protocol_version)) {
    return error(errc::unsupported, "the server wants a protocol version that mcpstate does not speak",
                 out.protocol_version);
  }
  read_server(answer.body, out);
  batches_ = out.protocol_version == "2025-03-26";
  phase_ = phase::initialized;
  return out;
}

outgoing session_fsm::announce() {
  phase_ = phase::ready;
  return outgoing(encode_notification("notifications/initialized", ""), 0);
}

result<outgoing> session_fsm::request(std::string_view method, std::string_view params) {
  if (phase_ != phase::ready) return error(errc::stopped, "the session with the server is not open");
  return numbered(method, params);
}

std::optional<std::uint64_t> session_fsm::request_of(const message& answer) const {
  if (answer.id.empty()) {
    // An error without an id: the server could not read the request. With one waiting there is no doubt which.
    if (waiting_.size() == 1) return *waiting_.begin();
    return std::nullopt;
  }
  const auto id = number_of_id(answer.id);
  return id && waiting_.contains(*id) ? id : std::nullopt;
}

session_fsm::reaction session_fsm::on_message(message in) {
  reaction out;
  if (phase_ == phase::closed || in.what == message::kind::notification) return out;
  if (in.what == message::kind::request) {
    // Servers block on a request without an answer, so there is one to each.
    out.what = reaction::kind::send;
    out.reply.text =
        in.method == "ping" ? encode_result(in.id, "{}") : encode_failure(in.id, rpc::method_not_found, "Method not found");
    return out;
  }
  const auto id = request_of(in);
  if (!id) return out;
  waiting_.erase(*id);
  out.what = reaction::kind::complete;
  out.id = *id;
  out.answer = std::move(in);
  return out;
}

std::optional<outgoing> session_fsm::abandon(std::uint64_t id, std::string_view reason) {
  const bool waited = waiting_.erase(id) > 0;
  if (!waited || phase_ != phase::ready || id == initialize_id_) return std::nullopt;
  const std::string params = "{\"requestId\":" + std::to_string(id) + ",\"reason\":" + quote_json(reason) + "}";
  return outgoing(encode_notification("notifications/cancelled", params), 0);
}

}  // namespace mcpstate::mcp
