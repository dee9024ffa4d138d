// SPDX-License-Identifier: MIT
// What a server may send: whatever is accepted as a message can be taken apart, handled and listed without harm, and the
// tools kept of it are JSON again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "core/json/slice.hh"
#include "fuzz/held.hh"
#include "mcp/protocol/jsonrpc.hh"
#include "mcp/protocol/revisions.hh"
#include "mcp/protocol/session_fsm.hh"
#include "mcp/protocol/tool_pages.hh"

namespace {

using namespace mcpstate::mcp;

void walk(std::string_view value) {
  if (value.empty()) std::abort();
  if (kind_of(value) == json_kind::object) {
    for (const json_member& member : members_of(value)) {
      if (!text_of(member.key)) std::abort();
      walk(member.value);
    }
  } else if (kind_of(value) == json_kind::array) {
    for (const std::string_view element : elements_of(value)) walk(element);
  }
}

void list(const std::string& body) {
  tool_pages::limits bounds;
  bounds.max_bytes = 4096;
  tool_pages pages(bounds);
  const auto added = pages.add(body);
  if (!added) return;
  if (validate_json(pages.next_params())) std::abort();
  if (!std::move(pages).finish()) std::abort();
}

client_identity identity() {
  client_identity out;
  out.name = "fuzz";
  out.version = "0";
  out.capabilities = R"({"elicitation":{}})";
  return out;
}

// A server's request is answered or asked of the host, and what is answered is JSON-RPC.
void handle_legacy(const message& in) {
  session_fsm session(identity());
  const auto id = session.initialize().id;
  if (in.type == message::kind::result && !session.on_initialize_answer(in)) return;
  session.announce();
  const auto reaction = session.on_message(in, id);
  if (in.type != message::kind::request) return;
  if (reaction.type == session_fsm::reaction::kind::ask) return;
  if (decode_message(reaction.reply.text).has_error()) std::abort();
}

// There are no requests of a server, and what is sent with params that it gave is JSON.
void handle_modern(const message& in) {
  session_fsm session(identity());
  session.become_modern(std::string(modern_version), true);
  const bool has_params = !in.body.empty() && kind_of(in.body) == json_kind::object;
  const auto sent = session.request("tools/call", has_params ? std::string_view(in.body) : std::string_view());
  if (!sent || decode_message(sent->text).has_error()) std::abort();
  const auto reaction = session.on_message(in, sent->id);
  if (in.type == message::kind::request && reaction.type != session_fsm::reaction::kind::none) std::abort();
  if (in.type == message::kind::result) static_cast<void>(read_discover(in.body).has_value());
  static_cast<void>(versions_of_refusal(in).size());
}

constexpr std::size_t own_bytes = 16 * 1024;

void decode(std::string_view text) {
  const auto read = decode_messages(std::string(text), [](const message&) {});
  static_cast<void>(read.has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // The slicer stays inside of anything; AddressSanitizer looks.
  static_cast<void>(members_of(text).size() + elements_of(text).size());
  static_cast<void>(find_member(text, "name").has_value());
  MCPSTATE_FUZZ_EXPECT_HELD(size, own_bytes, decode(text));
  bool walked = false;
  const auto read = decode_messages(std::string(text), [&](const message& each) {
    if (!std::exchange(walked, true)) walk(text);
    handle_legacy(each);
    handle_modern(each);
    if (each.type == message::kind::result) list(each.body);
  });
  static_cast<void>(read.has_value());
  return 0;
}
