// SPDX-License-Identifier: MIT
#include "core/secret_file.hh"

#include <string_view>
#include <utility>

#include "core/file.hh"
#include "core/text/printable.hh"

namespace mcpstate {

namespace {

constexpr std::size_t max_secret_bytes = 4096;

// What is wrong with the text, empty if nothing is.
std::string_view fault_of(const std::string& line) {
  if (line.empty()) return "it is empty";
  if (line.find('\0') != std::string::npos) return "it is no text";
  if (line.find_first_of("\r\n") != std::string::npos) return "it has more than one line";
  return {};
}

}  // namespace

result<secret_text> read_secret_file(const std::string& path) {
  auto file = read_regular_file(path, max_secret_bytes);
  const auto refused = [&](std::string_view fault) {
    cleanse(file.bytes);
    return error(errc::auth_failed, "the password file " + printable(path) + " cannot be used: " + std::string(fault) +
                                        "; the password has to be its only line");
  };
  if (file.what == file_content::outcome::too_large) return refused("it is larger than 4 KiB");
  if (!file.ok()) return refused(file.reason);
  if (file.bytes.ends_with('\n')) file.bytes.pop_back();
  if (file.bytes.ends_with('\r')) file.bytes.pop_back();
  if (const auto fault = fault_of(file.bytes); !fault.empty()) return refused(fault);
  return secret_text(std::move(file.bytes));
}

}  // namespace mcpstate
