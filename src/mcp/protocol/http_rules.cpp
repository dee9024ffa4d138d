// SPDX-License-Identifier: MIT
#include "mcp/protocol/http_rules.hh"

#include <algorithm>
#include <array>
#include <optional>

#include "core/json/slice.hh"
#include "http/date.hh"
#include "http/token.hh"
#include "http/url.hh"
#include "http/www_authenticate.hh"
#include "mcp/protocol/jsonrpc.hh"

namespace mcpstate::mcp {
namespace {

constexpr std::size_t max_peer_text = 500;

constexpr std::array<std::string_view, 4> own_headers = {"mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name"};

// Words about the session, and those that say what has become of it.
constexpr std::array<std::string_view, 3> session_words = {"session", "initializ", "initialis"};
constexpr std::array<std::string_view, 13> loss_words = {
    "not found",  "unknown",    "expired",    "invalid session", "no valid", "not exist", "no longer",
    "not active", "terminated", "no session", "no active",       "closed",   "lost"};
constexpr std::array<std::string_view, 4> handshake_words = {"not initiali", "uninitiali", "before initiali",
                                                             "not been initiali"};

template <class List>
bool contains_any(std::string_view text, const List& words) {
  return std::any_of(words.begin(), words.end(),
                     [text](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

bool names_lost_session(std::string_view words) {
  return contains_any(words, handshake_words) ||
         (words.find("session") != std::string_view::npos && contains_any(words, loss_words));
}

// Any text of a peer as one line of printable text.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, max_peer_text)) {
    const bool space = static_cast<unsigned char>(c) <= ' ' || c == 0x7F;
    if (!space) out += c;
    if (space && !out.empty() && out.back() != ' ') out += ' ';
  }
  return out;
}

std::string peer_words(const http::answer& answer) {
  if (http::media_type(answer.content_type) == "application/json") {
    const auto read = decode_message(answer.body);
    if (read && read->type == message::kind::failure) return read->error_message;
  }
  const bool html = http::media_type(answer.content_type) == "text/html";
  return html ? std::string() : one_line(answer.body);
}

// What a 401 or 403 says about credentials: its challenge, or its body if it has none.
std::string challenge_words(const http::answer& answer) {
  const auto bearer = http::find_bearer(http::parse_www_authenticate(answer.www_authenticate));
  if (!bearer) return peer_words(answer);
  std::string out;
  const auto add = [&out](std::string_view label, const std::optional<std::string>& what) {
    if (what && !what->empty()) out.append(out.empty() ? "" : "; ").append(label).append(one_line(*what));
  };
  add("", bearer->error);
  add("", bearer->error_description);
  add("scope: ", bearer->scope);
  return out.empty() ? peer_words(answer) : out;
}

// The answer's own Date counts where it has one: the server's clock need not be ours.
std::optional<std::chrono::seconds> wait_until_date(const http::answer& answer, timestamp now) {
  const auto until = http::parse_date(answer.retry_after);
  if (!until) return std::nullopt;
  const timestamp from = http::parse_date(answer.date).value_or(now);
  if (from == timestamp{}) return std::nullopt;
  return std::max(std::chrono::ceil<std::chrono::seconds>(*until - from), std::chrono::seconds(0));
}

// "; it asks to wait 30 s", if a busy server says so.
std::string wait_words(const std::optional<std::chrono::seconds>& wait) {
  return wait ? "; it asks to wait " + std::to_string(wait->count()) + " s" : std::string();
}

error redirected(const http::answer& answer) {
  const auto there = http::parse_url(answer.location);
  return error(errc::http_status,
               "the server redirects (HTTP " + std::to_string(answer.status) + "), which is not followed; use the final URL",
               there ? there->shown : std::string());
}

error not_mcp(const http::answer& answer) {
  const std::string type = http::media_type(answer.content_type);
  if (type == "text/html") {
    return error(errc::protocol,
                 "the URL answers with a web page (text/html), not with MCP; is the path right (often /mcp)?");
  }
  if (answer.status == 202 || answer.status == 204) {
    return error(errc::protocol, "the server accepted the request but sent no answer to it");
  }
  const std::string what = type.empty() ? "no content type" : "content type " + one_line(type);
  return error(errc::protocol, "the server's answer has " + what + ", not application/json or text/event-stream",
               peer_words(answer));
}

error explain_status(const http::answer& answer, const std::optional<std::chrono::seconds>& wait) {
  const std::string status = "HTTP " + std::to_string(answer.status);
  if (answer.status >= 200 && answer.status < 300) return not_mcp(answer);
  if (answer.status >= 300 && answer.status < 400) return redirected(answer);
  switch (answer.status) {
    case 401:
      return error(errc::auth_failed, "the server wants credentials, or refuses those given (HTTP 401)",
                   challenge_words(answer));
    case 403:
      return error(errc::auth_failed, "the server forbids access (HTTP 403)", challenge_words(answer));
    case 404:
      return error(errc::http_status, "nothing of MCP is at this URL, or the session is over (HTTP 404)",
                   peer_words(answer));
    case 405:
      return error(errc::http_status, "the URL takes no MCP requests (HTTP 405); is the path right?", peer_words(answer));
    default:
      return error(errc::http_status, "the server answered " + status + wait_words(wait), peer_words(answer));
  }
}

}  // namespace

result<void> check_protocol_headers(const http::header_list& headers) {
  for (const auto& header : headers) {
    const std::string low = ascii_lower(header.first);
    if (std::find(own_headers.begin(), own_headers.end(), low) != own_headers.end())
      return http::reserved_header(header.first);
  }
  return result<void>();
}

bool is_session_id(std::string_view id) noexcept {
  constexpr std::size_t longest = 4096;
  return !id.empty() && id.size() <= longest &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

std::optional<std::chrono::seconds> wait_of(const http::answer& answer, timestamp now) {
  constexpr std::size_t longest = 9;  // digits: decades
  if (answer.status != 429 && answer.status != 503) return std::nullopt;
  const std::string& wait = answer.retry_after;
  if (wait.empty()) return std::nullopt;
  if (wait.find_first_not_of("0123456789") != std::string::npos) return wait_until_date(answer, now);
  return std::chrono::seconds(wait.size() <= longest ? std::stol(wait) : std::stol(std::string(longest, '9')));
}

error explain_answer(const http::answer& answer, timestamp now) {
  const auto wait = wait_of(answer, now);
  error out = explain_status(answer, wait);
  out.set_http_status(answer.status, wait);
  return out;
}

bool has_rpc_error(const http::answer& answer) {
  if (answer.status < 400 || http::media_type(answer.content_type) != "application/json") return false;
  const auto read = decode_message(answer.body);
  return read && read->type == message::kind::failure;
}

bool tells_lost_session(const message& failure) {
  if (failure.type != message::kind::failure) return false;
  const std::string words = ascii_lower(failure.error_message);
  const bool usual = failure.error_code == rpc::session_not_found || failure.error_code == rpc::server_error ||
                     failure.error_code == rpc::invalid_request;
  return usual ? contains_any(words, session_words) : names_lost_session(words);
}

bool is_session_over(const http::answer& answer, bool has_worked) {
  std::optional<message> failure;
  if (http::media_type(answer.content_type) == "application/json") {
    auto read = decode_message(answer.body);
    if (read && read->type == message::kind::failure) failure = std::move(*read);
  }
  // Errors about the request itself are answers to it, whatever the status.
  const bool about_request = failure && failure->error_code <= -32600 && failure->error_code >= -32700;
  if (answer.status == 404 && !about_request) return true;
  if (!has_worked || answer.status < 400) return false;
  if (failure) return tells_lost_session(*failure);
  const std::string words = ascii_lower(peer_words(answer));
  return answer.status == 410 || (answer.status == 400 ? contains_any(words, session_words) : names_lost_session(words));
}

}  // namespace mcpstate::mcp
