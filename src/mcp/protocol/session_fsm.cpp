// SPDX-License-Identifier: MIT
#include "mcp/protocol/session_fsm.hh"

#include "core/json/slice.hh"

namespace mcpstate::mcp {
namespace {

constexpr std::string_view list_changed_end = "/list_changed";
constexpr std::string_view notifications_begin = "notifications/";

// "tools" of "notifications/tools/list_changed"; empty for anything else.
std::string_view changed_list(std::string_view method) {
  if (!method.starts_with(notifications_begin) || !method.ends_with(list_changed_end)) return {};
  const std::size_t begin = notifications_begin.size();
  if (method.size() < begin + list_changed_end.size()) return {};
  return method.substr(begin, method.size() - begin - list_changed_end.size());
}

}  // namespace

void session_fsm::restart() {
  if (phase_ == phase::closed) return;
  phase_ = phase::idle;
  batches_ = false;
  cancel_by_message_ = true;
  modern_version_.clear();
  waiting_.clear();
  subscriptions_.clear();
  overdue_.reset();
}

outgoing session_fsm::numbered(std::string_view method, std::string_view params) {
  const std::uint64_t id = ++last_id_;
  waiting_.insert(id);
  if (method == "subscriptions/listen") subscriptions_.insert(id);
  outgoing out(encode_request(id, method, params), id);
  out.method = method;
  return out;
}

outgoing session_fsm::numbered_modern(std::string_view method, std::string_view params, const std::string& version,
                                      bool progress) {
  const std::string full = with_request_meta(params, identity_, version, progress ? last_id_ + 1 : 0);
  outgoing out = numbered(method, full);
  out.version = version;
  out.headers = request_headers(method, params);
  return out;
}

outgoing session_fsm::initialize(std::string_view version) {
  phase_ = phase::initializing;
  outgoing out = numbered("initialize", initialize_params(identity_, version));
  initialize_id_ = out.id;
  return out;
}

result<handshake> session_fsm::on_initialize_answer(const message& answer) {
  auto told = read_initialize(answer);
  if (!told) return told;
  batches_ = told->protocol_version == "2025-03-26";
  phase_ = phase::initialized;
  return told;
}

outgoing session_fsm::announce() {
  phase_ = phase::ready;
  overdue_.reset();
  return outgoing(encode_notification("notifications/initialized", ""), 0);
}

outgoing session_fsm::discover(const std::string& version) { return numbered_modern("server/discover", {}, version, false); }

void session_fsm::become_modern(std::string version, bool cancel_by_message) {
  modern_version_ = std::move(version);
  cancel_by_message_ = cancel_by_message;
  phase_ = phase::ready;
  overdue_.reset();
}

result<outgoing> session_fsm::request(std::string_view method, std::string_view params, const request_extras& extras) {
  if (phase_ != phase::ready) return error(errc::stopped, "the session with the server is not open");
  if (modern()) {
    outgoing out = numbered_modern(method, params, modern_version_, extras.progress);
    out.headers.insert(out.headers.end(), extras.headers.begin(), extras.headers.end());
    return out;
  }
  return extras.progress ? numbered(method, with_progress_token(params, last_id_ + 1)) : numbered(method, params);
}

std::optional<std::uint64_t> session_fsm::request_of(const message& answer, std::uint64_t on_request) const {
  if (answer.id.empty()) {
    // An error without an id: the server could not read the request. It is the request of this stream, or the only one that
    // waits.
    if (on_request != 0) return waiting_.contains(on_request) ? std::optional<std::uint64_t>(on_request) : std::nullopt;
    if (overdue_) return std::nullopt;
    if (waiting_.size() == 1) return *waiting_.begin();
    return std::nullopt;
  }
  const auto id = number_of_id(answer.id);
  return id && waiting_.contains(*id) ? id : std::nullopt;
}

session_fsm::reaction session_fsm::on_message(message incoming, std::uint64_t on_request) {
  reaction out;
  if (phase_ == phase::closed) return out;
  if (incoming.type == message::kind::notification) return on_notification(std::move(incoming));
  if (incoming.type == message::kind::request) return on_request_of_server(std::move(incoming));
  const auto id = request_of(incoming, on_request);
  const bool late = overdue_ && (incoming.id.empty() || number_of_id(incoming.id) == overdue_);
  if (late) overdue_.reset();
  if (!id) return out;
  waiting_.erase(*id);
  out.type = reaction::kind::complete;
  out.id = *id;
  out.msg = std::move(incoming);
  return out;
}

// Every request is answered, because servers wait for the answer. The modern era has no such requests.
session_fsm::reaction session_fsm::on_request_of_server(message incoming) const {
  reaction out;
  if (modern()) return out;
  out.type = reaction::kind::send;
  if (incoming.method == "ping") {
    out.reply.text = encode_result(incoming.id, "{}");
  } else if (!declares(identity_.capabilities, incoming.method)) {
    out.reply.text = encode_failure(incoming.id, rpc::method_not_found, "Method not found");
  } else if (!declares_mode_of(identity_.capabilities, incoming.method, incoming.body)) {
    out.reply.text = encode_failure(incoming.id, rpc::invalid_params, "This mode of elicitation was not declared");
  } else {
    out.type = reaction::kind::ask;
    out.msg = std::move(incoming);
  }
  return out;
}

session_fsm::reaction session_fsm::on_notification(message incoming) {
  reaction out;
  if (const std::string_view list = changed_list(incoming.method); !list.empty()) {
    out.type = reaction::kind::list_changed;
    out.text = list;
    return out;
  }
  const bool has_params = !incoming.body.empty() && kind_of(incoming.body) == json_kind::object;
  if (incoming.method == "notifications/progress" && has_params) {
    const auto token = find_member(incoming.body, "progressToken");
    const auto id = token ? number_of_token(*token) : std::nullopt;
    if (!id || !waiting_.contains(*id)) return out;  // late, or not ours
    out.type = reaction::kind::progress;
    out.id = *id;
    out.msg = std::move(incoming);
    return out;
  }
  if (incoming.method == "notifications/cancelled" && has_params) {
    const auto raw = find_member(incoming.body, "requestId");
    if (!raw) return out;
    // In the modern era the server can only end our subscriptions, in the legacy era only its own requests.
    const auto id = modern() ? number_of_id(*raw) : std::nullopt;
    if (id && subscriptions_.erase(*id) > 0 && waiting_.erase(*id) > 0) {
      out.type = reaction::kind::complete;
      out.id = *id;
      out.msg.type = message::kind::result;
      out.msg.body = "{}";
      return out;
    }
    out.type = reaction::kind::cancel;
    out.text = *raw;
    return out;
  }
  out.type = reaction::kind::notify;
  out.msg = std::move(incoming);
  return out;
}

std::optional<outgoing> session_fsm::abandon(std::uint64_t id, std::string_view reason) {
  const bool waited = waiting_.erase(id) > 0;
  if (waited && phase_ == phase::idle) overdue_ = id;
  subscriptions_.erase(id);
  if (!waited || phase_ != phase::ready || id == initialize_id_ || !cancel_by_message_) return std::nullopt;
  std::string params = cancel_params(id, reason);
  if (modern()) params = with_request_meta(params, identity_, modern_version_, 0);
  return outgoing(encode_notification("notifications/cancelled", params), 0);
}

}  // namespace mcpstate::mcp
