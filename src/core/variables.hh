// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

// ${NAME} and ${NAME:-default} in what people write into files and on command lines. Pure.
namespace mcpstate {

// Letters, digits and '_', no digit first.
[[nodiscard]] bool is_variable_name(std::string_view name) noexcept;

// Puts values in the place of variables. A default is taken as it stands, also for a variable that is empty, as a shell does.
// Any other '$' is itself. value_of: absent if there is no such variable. on_value is told of each value that was put in; it
// may be empty. Failure: bad_argument; the detail names the variable, and no value, which may be a secret.
[[nodiscard]] result<std::string> expand_variables(
    const std::string& text, const std::function<std::optional<std::string>(const std::string& name)>& value_of,
    const std::function<void(const std::string& value)>& on_value = {});

}  // namespace mcpstate
