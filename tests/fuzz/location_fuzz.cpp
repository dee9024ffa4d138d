// SPDX-License-Identifier: MIT
// URLs that a server names: whatever it says, what comes of it is on the same origin, and means what it says.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/expect.hh"
#include "http/same_origin.hh"

namespace {

using namespace mcpstate;
using namespace mcpstate::http;

void check_url(const http::url& url) {
  const auto plain = [](char c) { return c > ' ' && c < 0x7F; };
  const std::string all = url.authority + url.target;
  MCPSTATE_FUZZ_EXPECT(std::all_of(all.begin(), all.end(), plain));
  MCPSTATE_FUZZ_EXPECT(url.target.starts_with('/'));
  // Read again, it is the same.
  const auto again = http::parse_url((url.tls ? "https://" : "http://") + url.authority + url.target);
  MCPSTATE_FUZZ_EXPECT(again && again->host == url.host && again->port == url.port && again->target == url.target);
  // What a strict policy lets through is no address in disguise: four numbers, or a last part that is none.
  const egress_policy strict = egress_policy::strict();
  if (!strict.check_origin(url.tls, url.host) || url.host.find(':') != std::string::npos) return;
  const std::string last = url.host.substr(url.host.rfind('.') + 1);
  const bool number = !last.empty() && last.find_first_not_of("0123456789") == std::string::npos;
  boost::system::error_code ec;
  boost::asio::ip::make_address_v4(url.host, ec);
  MCPSTATE_FUZZ_EXPECT(!number || !ec);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* const base : {"https://h.example:8443/a/b?key=1", "http://127.0.0.1/mcp", "http://[::1]:3001/sse"}) {
    const http::url from = http::parse_url(base).value();
    const auto there = http::resolve_same_origin(from, text);
    if (!there) continue;
    MCPSTATE_FUZZ_EXPECT(is_same_origin(from, *there));
    check_url(*there);
  }
  if (const auto url = http::parse_url(text)) check_url(*url);
  egress_policy policy;
  static_cast<void>(policy.allow(text).has_value());
  return 0;
}
