// SPDX-License-Identifier: MIT
#include "mcp/http_rules.hh"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "mcp/json_slice.hh"
#include "mcp/jsonrpc.hh"
#include "mcp/www_authenticate.hh"

namespace mcpstate::mcp {
namespace {

namespace urls = boost::urls;

constexpr std::size_t peer_text_kept = 500;

constexpr std::array<std::string_view, 15> own_headers = {
    "host",     "content-length", "content-type",   "accept",         "connection",           "transfer-encoding",
    "te",       "upgrade",        "expect",         "mcp-session-id", "mcp-protocol-version", "mcp-method",
    "mcp-name", "last-event-id",  "accept-encoding"};

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool is_token_char(char c) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  const char l = lower(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || marks.find(c) != std::string_view::npos;
}

bool is_token(std::string_view name) { return !name.empty() && std::all_of(name.begin(), name.end(), is_token_char); }

std::string to_token(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return !is_token_char(c); }, '-');
  return out;
}

bool is_host_text(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

bool is_port(std::string_view digits) {
  std::uint16_t number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return read.ec == std::errc() && read.ptr == digits.data() + digits.size() && number != 0;
}

// Boost.URL (1.81) ends a host that begins like an IPv4 address behind that: of 10.0.0.1.nip.io:80/x it takes .nip.io:80/x
// for the path. This gives host and port back what is theirs; false where there is nothing to give back to.
bool rejoin_host(http_url& url, std::string& path, bool v4) {
  if (path.empty() || path.front() == '/') return true;
  if (!v4 || !url.port.empty()) return false;
  const std::string tail = path.substr(0, path.find('/'));
  path.erase(0, tail.size());
  const std::size_t colon = tail.find(':');
  url.authority += tail;
  url.host += tail.substr(0, colon);
  if (colon != std::string::npos) url.port = tail.substr(colon + 1);
  return true;
}

std::string view_text(urls::string_view part) { return std::string(part.data(), part.size()); }

error bad_url(std::string why) { return error(errc::bad_url, "the server's URL cannot be used: " + std::move(why)); }

// One line of printable text out of whatever a peer sent.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, peer_text_kept)) {
    const bool space = static_cast<unsigned char>(c) <= ' ' || c == 0x7F;
    if (!space) out += c;
    if (space && !out.empty() && out.back() != ' ') out += ' ';
  }
  return out;
}

std::string peer_words(const http_answer& answer) {
  if (media_type(answer.content_type) == "application/json") {
    const auto read = decode_messages(answer.body, false);
    if (read && read->front().what == message::kind::failure) return read->front().error_message;
  }
  const bool html = media_type(answer.content_type) == "text/html";
  return html ? std::string() : one_line(answer.body);
}

// What a 401 or 403 says about credentials: its challenge, else its body.
std::string challenge_words(const http_answer& answer) {
  const auto bearer = find_bearer(parse_www_authenticate(answer.www_authenticate));
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

// "; it asks to wait 30 s", where a server that is busy says so.
std::string wait_words(const http_answer& answer) {
  constexpr std::size_t longest = 5;  // digits: a day and a bit
  const std::string& wait = answer.retry_after;
  const bool digits = !wait.empty() && wait.size() <= longest && wait.find_first_not_of("0123456789") == std::string::npos;
  return digits ? "; it asks to wait " + wait + " s" : std::string();
}

error redirected(const http_answer& answer) {
  const auto there = parse_http_url(answer.location);
  return error(errc::http_status,
               "the server redirects (HTTP " + std::to_string(answer.status) + "), which is not followed; use the final URL",
               there ? there->shown : std::string());
}

error not_mcp(const http_answer& answer) {
  const std::string type = media_type(answer.content_type);
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

}  // namespace

bool may_be_url(std::string_view text) noexcept {
  const std::size_t end = text.find_first_of(":/?#");
  const bool scheme = end != std::string_view::npos && text[end] == ':';
  if (scheme && !text.substr(end).starts_with("://")) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

result<http_url> parse_http_url(std::string_view text) {
  if (!may_be_url(text)) return bad_url("it is no absolute URL");
  const auto parsed = urls::parse_uri(urls::string_view(text.data(), text.size()));
  if (!parsed) return bad_url("it is no absolute URL");
  const urls::url_view& url = *parsed;
  const std::string scheme = lowered(view_text(url.scheme()));
  if (scheme != "http" && scheme != "https") return bad_url("only http and https are possible");
  if (url.has_userinfo()) return bad_url("user and password do not belong in it; send them as a header");
  http_url out;
  out.tls = scheme == "https";
  out.host = view_text(url.encoded_host_address());
  const bool v6 = url.host_type() == urls::host_type::ipv6;
  if (url.host_type() == urls::host_type::ipvfuture) return bad_url("its host is not valid");
  out.port = view_text(url.port());
  out.authority = view_text(url.encoded_host_and_port());
  std::string path = view_text(url.encoded_path());
  const bool whole = rejoin_host(out, path, url.host_type() == urls::host_type::ipv4);
  if (!whole || (!v6 && !is_host_text(out.host))) return bad_url("its host is not valid");
  if (out.port.empty()) out.port = out.tls ? "443" : "80";
  if (!is_port(out.port)) return bad_url("its port is not valid");
  if (out.authority.ends_with(':')) out.authority.pop_back();
  out.target = path.empty() ? "/" : path;
  if (url.has_query()) out.target += "?" + view_text(url.encoded_query());
  out.shown = scheme + "://" + out.authority + path;
  return out;
}

result<void> check_headers(const header_list& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_token(name)) return error(errc::bad_argument, "a header for the server has a name that is not valid");
    const std::string low = lowered(name);
    if (std::find(own_headers.begin(), own_headers.end(), low) != own_headers.end()) {
      return error(errc::bad_argument, "the header " + name + " is set by the protocol itself");
    }
    const bool clean = std::all_of(value.begin(), value.end(),
                                   [](char c) { return (static_cast<unsigned char>(c) >= ' ' && c != 0x7F) || c == '\t'; });
    if (!clean) return error(errc::bad_argument, "the value of the header " + name + " holds a control character");
  }
  return result<void>();
}

bool has_header(const header_list& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& header) { return lowered(header.first) == lowered(name); });
}

std::string user_agent(std::string_view name, std::string_view version) {
  const std::string product = name.empty() ? "mcpstate" : to_token(name);
  return version.empty() ? product : product + "/" + to_token(version);
}

std::string media_type(std::string_view content_type) {
  std::string out = lowered(content_type.substr(0, content_type.find(';')));
  while (!out.empty() && (out.back() == ' ' || out.back() == '\t')) out.pop_back();
  out.erase(0, std::min(out.find_first_not_of(" \t"), out.size()));
  return out;
}

bool is_session_id(std::string_view id) noexcept {
  constexpr std::size_t longest = 4096;
  return !id.empty() && id.size() <= longest &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

error explain_answer(const http_answer& answer) {
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
      return error(errc::http_status, "the server answered " + status + wait_words(answer), peer_words(answer));
  }
}

bool has_rpc_error(const http_answer& answer) {
  if (answer.status < 400 || media_type(answer.content_type) != "application/json") return false;
  const auto read = decode_messages(answer.body, false);
  return read && read->front().what == message::kind::failure;
}

bool is_session_over(const http_answer& answer, bool has_worked) {
  const auto read = media_type(answer.content_type) == "application/json" ? decode_messages(answer.body, false)
                                                                          : result<std::vector<message>>(error());
  const bool failure = read && read->front().what == message::kind::failure;
  const std::int64_t code = failure ? read->front().error_code : 0;
  // Errors about the request itself are answers to it, whatever the status.
  if (code <= -32600 && code >= -32700) return false;
  if (answer.status == 404) return true;
  if (answer.status != 400 || !has_worked) return false;
  const std::string words = lowered(peer_words(answer));
  return words.find("session") != std::string::npos || words.find("not initialized") != std::string::npos;
}

}  // namespace mcpstate::mcp
