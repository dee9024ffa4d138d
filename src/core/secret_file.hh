// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include <mcpstate/core/error.hpp>

#include "core/text/secret_text.hh"

// A file that holds one secret, such as a password that systemd, Kubernetes or Docker hands over.
namespace mcpstate {

// Its only line, without the line end. Blocking; any thread.
// Failure: auth_failed; the detail names the file and never shows what it holds: it cannot be read, is empty, is larger than
// 4 KiB, has more than one line, or a NUL byte.
[[nodiscard]] result<secret_text> read_secret_file(const std::string& path);

}  // namespace mcpstate
