// SPDX-License-Identifier: MIT
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/error.hpp>

#include "core/json/slice.hh"

// Reads the JSON object in the body of a request. A member that the route does not know is an error that names it, because a
// typo must not look like success. Pure. Views point into the body, which must outlive the reader. All errors are
// bad_argument.
namespace mcpstate::service {

class body_reader {
 public:
  // known: the members of the route. An empty body counts as {}.
  [[nodiscard]] static result<body_reader> parse(std::string_view body, std::initializer_list<std::string_view> known);

  // The raw JSON value. Absent when the member is absent.
  [[nodiscard]] std::optional<std::string_view> raw(std::string_view name) const noexcept;
  // The text of a string. Absent when the member is absent; an error when it is not a string, or has a NUL.
  [[nodiscard]] result<std::optional<std::string>> text(std::string_view name) const;
  // The value of true or false; false when the member is absent.
  [[nodiscard]] result<bool> flag(std::string_view name) const;

 private:
  struct member {
    std::string name;
    std::string_view value;
  };
  std::vector<member> members_;
};

}  // namespace mcpstate::service
