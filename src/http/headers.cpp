// SPDX-License-Identifier: MIT
#include "http/headers.hh"

#include <algorithm>
#include <array>

#include "core/text/ascii.hh"
#include "core/text/trimmed.hh"
#include "http/token.hh"

namespace mcpstate::http {
namespace {

constexpr std::array<std::string_view, 11> own_headers = {
    "host", "content-length", "content-type", "accept",        "connection",     "transfer-encoding",
    "te",   "upgrade",        "expect",       "last-event-id", "accept-encoding"};

std::string to_token(std::string_view text) {
  std::string out(text);
  std::replace_if(out.begin(), out.end(), [](char c) { return !is_token_char(c); }, '-');
  return out;
}

}  // namespace

error reserved_header(const std::string& name) {
  return error(errc::bad_argument, "the header " + name + " is set by the protocol itself");
}

result<void> check_headers(const header_list& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_token(name)) return error(errc::bad_argument, "a header for the server has a name that is not valid");
    const std::string low = ascii_lower(name);
    if (std::find(own_headers.begin(), own_headers.end(), low) != own_headers.end()) {
      return reserved_header(name);
    }
    const bool clean = std::all_of(value.begin(), value.end(),
                                   [](char c) { return (static_cast<unsigned char>(c) >= ' ' && c != 0x7F) || c == '\t'; });
    if (!clean) return error(errc::bad_argument, "the value of the header " + name + " holds a control character");
  }
  return result<void>();
}

bool has_header(const header_list& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) { return ascii_iequal(header.first, name); });
}

std::string user_agent(std::string_view name, std::string_view version) {
  const std::string product = name.empty() ? "mcpstate" : to_token(name);
  return version.empty() ? product : product + "/" + to_token(version);
}

std::string media_type(std::string_view content_type) {
  return ascii_lower(trimmed(content_type.substr(0, content_type.find(';')), " \t"));
}

}  // namespace mcpstate::http
