// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/core/connection.hpp>

// What a migration does about one record. Pure.
namespace mcpstate::transfer {

enum class migration_step {
  leave,      // the same is there
  copy,       // nothing is there, or a lower revision
  overwrite,  // the same revision or a later one is there, of a record that another program has changed at the source since
  ahead,      // there is a later record that is none of the source's: somebody writes there
};

// from: as it was read with its tools. there: the record of the target without them; null: none.
[[nodiscard]] migration_step decide_migration(const connection& from, const connection* there);

}  // namespace mcpstate::transfer
