// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>

// The result of a tool as people read it. Pure.
namespace mcpstate::cli {

// result: raw, an object. Text is text; of everything else a line says what it is: "[image image/png, 12 KB]". A result
// without content is its structuredContent, as JSON. Ends with a line end unless it is empty. harmless: nothing in it that a
// terminal acts on, for when it goes to one; otherwise text stays byte for byte.
[[nodiscard]] std::string call_result_text(std::string_view result, bool harmless);

}  // namespace mcpstate::cli
