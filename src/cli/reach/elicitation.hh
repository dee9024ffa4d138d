// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/core/error.hpp>

// What a server wants to know from a person (elicitation/create, mode "form"), as questions in a terminal. Pure.
namespace mcpstate::cli {

struct form_field {
  form_field() {}
  enum class kind { text, number, integer, yes_no, choice, choices } type = kind::text;
  struct option {
    option(std::string v, std::string l) : value(std::move(v)), label(std::move(l)) {}
    std::string value, label;
  };
  std::string name;   // of the property
  std::string title;  // the name if it has none
  std::string description;
  std::string format;           // of text: "email", "date", …; the server checks what was typed
  std::vector<option> options;  // of choice and choices
  std::string default_value;    // raw JSON; empty: none
  bool required = false;
  std::optional<double> minimum, maximum;  // of the number, the characters, or how many are chosen
};

struct form {
  form() {}
  std::string message;
  std::vector<form_field> fields;
};
// params: raw, of elicitation/create. unsupported for another mode than "form", protocol when it is no such request.
[[nodiscard]] result<form> parse_form(std::string_view params);

// The question in one line, without a line end: "Age (integer, 0 to 120) [36]: ". Harmless text.
[[nodiscard]] std::string question_text(const form_field& field);
// What was typed, as raw JSON. Empty when nothing was typed and nothing has to be: the default counts, or the property is
// left out. bad_argument says in a few words what is wrong with it.
[[nodiscard]] result<std::string> parse_answer(const form_field& field, std::string_view typed);

}  // namespace mcpstate::cli
