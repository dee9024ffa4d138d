// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include <mcpstate/core/tools.hpp>

// What commands read besides the store: tools from a file, headers, variables, times. Blocking; used before anything runs.
namespace mcpstate::cli {

// The JSON array in a file, or on standard input ("-"). bad_argument (no such file), too_large, bad_tools; names the file.
[[nodiscard]] result<tools_list> read_tools(const std::string& path);

// All of standard input; too_large over the limit.
[[nodiscard]] result<std::string> read_standard_input(std::size_t limit);

// "Name: value" as a pair. bad_argument for what is not an HTTP header; the message never shows the value.
[[nodiscard]] result<std::pair<std::string, std::string>> parse_header(std::string_view text);
// "NAME=value" as a pair. bad_argument likewise.
[[nodiscard]] result<std::pair<std::string, std::string>> parse_variable(std::string_view text);

// The duration that an option gives; an empty text leaves `target` as it is. bad_argument names the option.
[[nodiscard]] result<void> read_duration(std::chrono::milliseconds& target, const std::string& text, const char* option,
                                         std::chrono::milliseconds minimum = {});

}  // namespace mcpstate::cli
