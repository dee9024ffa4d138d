// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/core/error.hpp>

#include "mcp/protocol/jsonrpc.hh"

// The words of the protocol: its revisions, what the handshake of each era says, and what every request of the modern era
// carries. Pure.
namespace mcpstate::mcp {

inline constexpr std::string_view modern_version = "2026-07-28";
inline constexpr std::string_view newest_legacy_version = "2025-11-25";
[[nodiscard]] bool is_modern_version(std::string_view version) noexcept;
[[nodiscard]] bool is_legacy_version(std::string_view version) noexcept;

// Who we are, to every server.
struct client_identity {
  client_identity() {}
  std::string name, version;
  std::string capabilities = "{}";  // raw JSON object
};

// Whether capabilities (a raw object) declare what a request of the server needs: elicitation/create needs "elicitation", …
[[nodiscard]] bool declares(std::string_view capabilities, std::string_view method);
// Whether they declare this mode of elicitation ("form", "url"); an empty "elicitation" object means form.
[[nodiscard]] bool declares_elicitation_mode(std::string_view capabilities, std::string_view mode);
// The same of a request with these params (raw); one without a mode is a form, and other methods have none.
[[nodiscard]] bool declares_mode_of(std::string_view capabilities, std::string_view method, std::string_view params);

// What a server told about itself, in either era.
struct handshake {
  handshake() {}
  std::string protocol_version;
  std::string server_name, server_version, instructions;
  std::string capabilities = "{}";  // raw JSON object
  bool has_tools = false;
  bool tools_list_changed = false;
  bool any_list_changed = false;  // of tools, prompts or resources
};

// Legacy: params of initialize, and what its answer says. protocol or unsupported if it cannot be worked with.
[[nodiscard]] std::string initialize_params(const client_identity& who);
[[nodiscard]] result<handshake> read_initialize(const message& answer);

// Modern: what server/discover says. protocol_version stays empty: the caller picks one of the versions.
struct discovery {
  discovery() {}
  std::vector<std::string> versions;
  handshake server;
};
// protocol for an answer that is not of that form: then it is no modern server.
[[nodiscard]] result<discovery> read_discover(std::string_view body);
// The versions that error -32022 lists in its data; empty if it lists none.
[[nodiscard]] std::vector<std::string> versions_of_refusal(const message& failure);

// Modern: params (raw object or empty) with the _meta that every request carries. Members that params has in its own _meta
// stay; ours win.
[[nodiscard]] std::string with_request_meta(std::string_view params, const client_identity& who, std::string_view version,
                                            std::uint64_t progress_token);
// Legacy: params with a progress token.
[[nodiscard]] std::string with_progress_token(std::string_view params, std::uint64_t token);

// Modern: what HTTP repeats in headers for this request, Mcp-Method and Mcp-Name, encoded.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> request_headers(std::string_view method,
                                                                               std::string_view params);

// Whether repeating a request cannot do anything twice.
[[nodiscard]] bool is_repeatable(std::string_view method) noexcept;

// Params of notifications/cancelled.
[[nodiscard]] std::string cancel_params(std::uint64_t id, std::string_view reason);

}  // namespace mcpstate::mcp
