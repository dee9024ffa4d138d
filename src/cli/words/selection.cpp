// SPDX-License-Identifier: MIT
#include "cli/words/selection.hh"

namespace mcpstate::cli {

result<selection> parse_selection(const arguments& args) {
  MCPSTATE_TRY(account, owner::parse(args.owner.value_or(std::string())));
  selection out(std::move(account));
  if (!args.server) return out;
  MCPSTATE_TRY(server, server_name::parse(*args.server));
  out.server = std::move(server);
  return out;
}

}  // namespace mcpstate::cli
