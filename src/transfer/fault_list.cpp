// SPDX-License-Identifier: MIT
#include "transfer/fault_list.hh"

namespace mcpstate::transfer {

void fault_list::add(const std::string& name, const std::string& why) {
  ++count_;
  if (first_.size() < most_listed) first_.push_back(name + ": " + why);
}

}  // namespace mcpstate::transfer
