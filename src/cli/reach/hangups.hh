// SPDX-License-Identifier: MIT
#pragma once

// SIGHUP tells a service to read its files again, and ends every other command. It may come before the program knows which
// of the two it is.
namespace mcpstate::cli {

// Keeps the signal until it is released. To be called before anything else: threads inherit it.
void hold_hangups() noexcept;
// Lets the signal act as it does in this command, also one that has come meanwhile.
void release_hangups() noexcept;

}  // namespace mcpstate::cli
