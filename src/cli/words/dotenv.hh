// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <string>
#include <string_view>

namespace mcpstate::cli {

// The variables of a .env file. Lines are NAME=value, with or without "export " before them; blank lines and lines that
// begin with # say nothing, and so does what follows " #" after an unquoted value. 'Single' quotes keep everything as it
// is; "double" quotes know \n \r \t \" \\ and \$; both may span lines. Nothing is expanded or run: a $ is a $. A line that
// is none of this is passed over; a later line wins over an earlier one.
[[nodiscard]] std::map<std::string, std::string> parse_dotenv(std::string_view text);

}  // namespace mcpstate::cli
