// SPDX-License-Identifier: MIT
#include "cli/words/selection.hh"

namespace mcpstate::cli {

result<selection> parse_selection(const arguments& args) {
  auto account = owner::parse(args.owner.value_or(std::string()));
  if (!account) return account.error();
  selection out(std::move(*account));
  if (!args.server) return out;
  auto server = server_name::parse(*args.server);
  if (!server) return server.error();
  out.server = std::move(*server);
  return out;
}

}  // namespace mcpstate::cli
