// SPDX-License-Identifier: MIT
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/error.hpp>

#include "core/json/slice.hh"

// The JSON object that a request brings. Members that a route does not know are refused by name: a typo must not look like
// success. Pure. Views point into the text, which must outlive the reader. All errors are bad_argument.
namespace mcpstate::service {

class body_reader {
 public:
  // An empty body is {}.
  [[nodiscard]] static result<body_reader> parse(std::string_view body, std::initializer_list<std::string_view> known);

  // The raw value; absent when the member is.
  [[nodiscard]] std::optional<std::string_view> raw(std::string_view name) const noexcept;
  // Of a string; an error when it is anything else.
  [[nodiscard]] result<std::optional<std::string>> text(std::string_view name) const;
  // Of true or false; false when absent.
  [[nodiscard]] result<bool> flag(std::string_view name) const;

 private:
  struct member {
    std::string name;
    std::string_view value;
  };
  std::vector<member> members_;
};

}  // namespace mcpstate::service
