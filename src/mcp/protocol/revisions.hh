// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/core/error.hpp>

#include "mcp/protocol/jsonrpc.hh"

// The revisions of the protocol: what the handshake of each era says, and what every request of the modern era carries.
// Pure.
namespace mcpstate::mcp {

inline constexpr std::string_view modern_version = "2026-07-28";
inline constexpr std::string_view newest_legacy_version = "2025-11-25";
[[nodiscard]] bool is_modern_version(std::string_view version) noexcept;
[[nodiscard]] bool is_legacy_version(std::string_view version) noexcept;

// How this client introduces itself to servers.
struct client_identity {
  client_identity() {}
  std::string name, version;
  std::string capabilities = "{}";  // raw JSON object
};

// Whether capabilities (a raw object) declare what a request of the server needs: elicitation/create needs "elicitation", …
[[nodiscard]] bool declares(std::string_view capabilities, std::string_view method);
// Whether capabilities declare this mode of elicitation ("form", "url"). An empty "elicitation" object means "form".
[[nodiscard]] bool declares_elicitation_mode(std::string_view capabilities, std::string_view mode);
// The same for a request with these params (raw). A request without a mode means "form"; other methods have no mode.
[[nodiscard]] bool declares_mode_of(std::string_view capabilities, std::string_view method, std::string_view params);

// What a server says about itself, in either era: of instructions and capabilities the first 64 KB (of capabilities all or
// none), of names 4 KB.
struct handshake {
  handshake() {}
  std::string protocol_version;
  std::string server_name, server_version, instructions;
  std::string capabilities = "{}";  // raw JSON object
  bool has_tools = false;
  bool tools_list_changed = false;
  bool any_list_changed = false;  // of tools, prompts or resources
};

// Legacy era: the params of initialize, and its answer. errc::protocol or unsupported for an answer that is of no use.
[[nodiscard]] std::string initialize_params(const client_identity& identity,
                                            std::string_view version = newest_legacy_version);
[[nodiscard]] result<handshake> read_initialize(const message& answer);

// Modern era: the answer to server/discover. protocol_version stays empty, because the caller picks one of the versions.
struct discovery {
  discovery() {}
  std::vector<std::string> versions;
  handshake server;
};
// errc::protocol for an answer of another form: the server is not of the modern era then.
[[nodiscard]] result<discovery> read_discover(std::string_view body);
// The revision to offer to a server that has refused newest_legacy_version with these words: the newest other one of the
// legacy era that they name; 2025-06-18, the one that most servers know, if they are about a version and name none. Absent:
// they are about something else.
[[nodiscard]] std::optional<std::string> revision_to_offer(std::string_view words);
// The versions in the data of error -32022; empty if there are none.
[[nodiscard]] std::vector<std::string> versions_of_refusal(const message& failure);

// Modern era: params (a raw object, or empty) with the _meta that every request carries. Other members of its _meta stay.
[[nodiscard]] std::string with_request_meta(std::string_view params, const client_identity& identity,
                                            std::string_view version, std::uint64_t progress_token);
// Legacy era: params with a progress token.
[[nodiscard]] std::string with_progress_token(std::string_view params, std::uint64_t token);

// Modern era: the headers Mcp-Method and Mcp-Name of this request over HTTP, encoded.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> request_headers(std::string_view method,
                                                                               std::string_view params);

// Whether repeating a request does no harm.
[[nodiscard]] bool is_repeatable(std::string_view method) noexcept;

// Params of notifications/cancelled.
[[nodiscard]] std::string cancel_params(std::uint64_t id, std::string_view reason);

}  // namespace mcpstate::mcp
