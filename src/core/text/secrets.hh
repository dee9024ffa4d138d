// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>

// The second line of defence of the log, and of what records say of a failure: what looks like a secret is not written.
// Those that are known: core/text/hidden_values.hh. Pure.
namespace mcpstate {

inline constexpr std::string_view hidden_text = "[hidden]";

// Whether a field of this name may hold a secret: "token", "authorization", "redis_password", …
[[nodiscard]] bool names_secret(std::string_view key) noexcept;
// The text with owner tokens, what follows "Bearer " or "Basic ", and user-info and query of URLs replaced.
[[nodiscard]] std::string without_secrets(std::string_view text);

}  // namespace mcpstate
