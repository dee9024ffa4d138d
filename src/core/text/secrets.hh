// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

// The second line of defence of the log, and of what records say of a failure: what looks like a secret, or is known to be
// one, is not written. Pure.
namespace mcpstate {

inline constexpr std::string_view hidden_text = "[hidden]";

// Whether a field of this name may hold a secret: "token", "authorization", "redis_password", …
[[nodiscard]] bool names_secret(std::string_view key) noexcept;
// The text with owner tokens, what follows "Bearer " or "Basic ", and user-info and query of URLs replaced.
[[nodiscard]] std::string without_secrets(std::string_view text);

// Without those that are there twice, in the order that without_values needs: one may be a part of another.
[[nodiscard]] std::vector<std::string> longest_first(std::vector<std::string> values);
// The text with each of these values replaced.
[[nodiscard]] std::string without_values(std::string text, const std::vector<std::string>& values);

}  // namespace mcpstate
