// SPDX-License-Identifier: MIT
#include "service/routes/shard.hh"

#include <functional>
#include <string>

namespace mcpstate::service {

std::size_t shard_index(const owner& account, std::size_t count) { return std::hash<std::string>()(account.text()) % count; }

shard& shard_set::add(mcpstate::store& shard_store, mcpstate::manager& shard_manager, process_services& process) {
  return *shards_.emplace_back(std::make_unique<shard>(shard_store, shard_manager, process));
}

shard& shard_set::select(const std::optional<owner>& account) const {
  return account ? *shards_[shard_index(*account, shards_.size())] : front();
}

}  // namespace mcpstate::service
