// SPDX-License-Identifier: MIT
#include <boost/json/parse.hpp>

#include <cstdint>
#include <string>

#include <mcpstate/core/tools.hpp>

#include "fuzz/expect.hh"

// The one-pass check accepts exactly what a full parse accepts as an array, and counts the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto list = mcpstate::tools_list::parse(bytes);
  boost::json::parse_options limits;
  limits.max_depth = 64;
  boost::system::error_code ec;
  const boost::json::value parsed = boost::json::parse(bytes, ec, {}, limits);
  const boost::json::array* array = ec ? nullptr : parsed.if_array();
  MCPSTATE_FUZZ_EXPECT(list.has_value() == (array != nullptr));
  if (!list) return 0;
  MCPSTATE_FUZZ_EXPECT(list->count() == array->size());
  MCPSTATE_FUZZ_EXPECT(list->bytes() == bytes);
  return 0;
}
