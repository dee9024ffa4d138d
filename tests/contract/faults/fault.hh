// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstdlib>
#include <string>
#include <string_view>

#include "store/rows/row.hh"

// What inject.py puts into copies of the store's sources: faults that the environment variable MCPSTATE_FAULT switches on,
// one at a time by name, to prove that the contract suite notices them.
namespace mcpstate::test {

inline std::string_view chosen_fault() {
  static const std::string_view chosen = [] {
    const char* name = std::getenv("MCPSTATE_FAULT");
    return name ? std::string_view(name) : std::string_view();
  }();
  return chosen;
}

inline bool fault(std::string_view name) { return chosen_fault() == name; }

// A script as it is sent to Redis: the table `fault` has the chosen one. The first line stays the first.
inline std::string with_fault(std::string_view script) {
  std::string out(script);
  out.insert(out.find('\n') + 1, "local fault = {['" + std::string(chosen_fault()) + "'] = true}\n");
  return out;
}

inline std::string reencoded(const std::string& tools) {
  return fault("reencode_tools") ? boost::json::serialize(boost::json::parse(tools)) : tools;
}

// What others see of a write that is split: everything but the tools.
inline row_write first_half(row_write whole) {
  whole.tools = tools_write::keep;
  return whole;
}

}  // namespace mcpstate::test
