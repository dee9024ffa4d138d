// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

// Known secrets in foreign texts, in the spellings in which programs print what they were given. Pure.
//
// Found: the value as it is; percent-encoded (%2F and %2f, + for a blank), JSON-escaped (\", \/, \u0041, \x41), HTML-escaped
// (&amp;, &#38;, &#x26;), up to three of these in each other, wholly or in part; decoded, where the value itself is encoded so; broken
// by line ends, with blanks around them; its base64 in both alphabets. Not found: any other transformation, such as hexadecimal, another
// case, the value in reverse, or a part of it.
//
// Time: the length of the text times the number of values, whatever they hold. Memory: some forty times the text.
namespace mcpstate {

// Without those that are there twice: one may be a part of another.
[[nodiscard]] std::vector<std::string> longest_first(std::vector<std::string> values);
// The text with each of these values replaced by hidden_text (core/text/secrets.hh), in whatever spelling. Values that overlap are
// replaced as one.
[[nodiscard]] std::string without_values(std::string text, const std::vector<std::string>& values);

}  // namespace mcpstate
