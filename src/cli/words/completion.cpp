// SPDX-License-Identifier: MIT
#include "cli/words/completion.hh"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <string>
#include <utility>
#include <vector>

#include "cli/words/describe.hh"

namespace mcpstate::cli {

namespace {

using word_list = std::vector<std::string>;

// "{plain,tagged}" of a choice, as words; none for anything else.
word_list option_choices(const CLI::Option& option) {
  std::string text;
  try {
    text = const_cast<CLI::Option&>(option).get_validator(0)->get_description();
  } catch (const CLI::OptionNotFound&) {
    return {};
  }
  if (text.size() < 2 || text.front() != '{') return {};
  return CLI::detail::split(text.substr(1, text.size() - 2), ',');
}

word_list option_names(const CLI::Option& option) {
  word_list out;
  for (const auto& n : option.get_lnames()) out.push_back("--" + n);
  for (const auto& n : option.get_snames()) out.push_back("-" + n);
  return out;
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::vector<const CLI::Option*> list_options(const CLI::App& app) {
  return app.get_options([](const CLI::Option* o) { return o->nonpositional(); });
}

std::vector<const CLI::Option*> list_positionals(const CLI::App& app) {
  return app.get_options([](const CLI::Option* o) { return o->get_positional(); });
}

std::string join_words(const word_list& words, const char* between) { return CLI::detail::join(words, between); }

// Puts values in place of "{0}", "{1}", … of a template.
std::string filled(std::string text, const word_list& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string mark = "{" + std::to_string(i) + "}";
    text.replace(text.find(mark), mark.size(), values[i]);
  }
  return text;
}

// The name of a command in the scripts; the root has none.
std::string command_name(const CLI::App& app) { return app.get_parent() == nullptr ? "" : app.get_name(); }

// --- bash: one case per command for its words, one per option for its values ---

constexpr const char* bash_template = R"(# bash completion of mcpstate; made by: mcpstate completion bash
_mcpstate() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' words='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
    --) return ;;
    {0}) command=${COMP_WORDS[i]}; break ;;
    esac
  done
  case "$command $prev" in
{1}  esac
  case $command in
{2}  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _mcpstate mcpstate
)";

word_list bash_words(const CLI::App& app) {
  word_list words;
  for (const auto* sub : app.get_subcommands({})) words.push_back(sub->get_name());
  for (const auto* o : list_positionals(app)) {
    for (const auto& c : option_choices(*o)) words.push_back(c);
  }
  for (const auto* o : list_options(app)) {
    for (const auto& n : option_names(*o)) words.push_back(n);
  }
  return words;
}

std::string bash_values(const CLI::Option& option) {
  const auto choices = option_choices(option);
  if (!choices.empty()) return "COMPREPLY=($(compgen -W '" + join_words(choices, " ") + "' -- \"$cur\"))";
  if (option.get_option_text() == "FILE") return "COMPREPLY=($(compgen -f -- \"$cur\"))";
  if (option.get_option_text() == "DIR") return "COMPREPLY=($(compgen -d -- \"$cur\"))";
  return ":";
}

std::string bash_value_cases(const CLI::App& app) {
  std::string out;
  for (const auto* o : list_options(app)) {
    if (!takes_value(*o)) continue;
    word_list patterns;
    for (const auto& name : option_names(*o)) patterns.push_back(filled("'{0} {1}'", {command_name(app), name}));
    out += "    " + join_words(patterns, "|") + ") " + bash_values(*o) + "; return ;;\n";
  }
  return out;
}

std::string bash_word_case(const CLI::App& app) {
  return "    '" + command_name(app) + "') words='" + join_words(bash_words(app), " ") + "' ;;\n";
}

std::string bash_script(const CLI::App& root) {
  word_list commands;
  std::string values = bash_value_cases(root), words = bash_word_case(root);
  for (const auto* sub : root.get_subcommands({})) {
    commands.push_back(sub->get_name());
    values += bash_value_cases(*sub);
    words += bash_word_case(*sub);
  }
  return filled(bash_template, {join_words(commands, "|"), values, words});
}

// --- zsh: an _arguments specification per command ---

constexpr const char* zsh_template = R"(#compdef mcpstate
# zsh completion of mcpstate; made by: mcpstate completion zsh
_mcpstate() {
  local curcontext=$curcontext state line
  local -a commands
  commands=(
{0}  )
  {1} \
      '1:command:->command' '*::argument:->argument'
  case $state in
  command) _describe command commands ;;
  argument)
    case $words[1] in
{2}    esac ;;
  esac
}
if [ "$funcstack[1]" = _mcpstate ]; then _mcpstate "$@"; else compdef _mcpstate mcpstate; fi
)";

std::string zsh_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("[]:\\").find(c) != std::string_view::npos) out += '\\';
    out += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return out;
}

std::string zsh_values(const CLI::Option& option) {
  const auto choices = option_choices(option);
  if (!choices.empty()) return "(" + join_words(choices, " ") + ")";
  if (option.get_option_text() == "FILE") return "_files";
  if (option.get_option_text() == "DIR") return "_files -/";
  return " ";
}

std::string zsh_option(const CLI::Option& option) {
  const auto names = option_names(option);
  const bool repeats = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll && takes_value(option);
  std::string spec = repeats ? "'*'" : "'(" + join_words(names, " ") + ")'";
  spec += names.size() == 1 ? names.front() : "{" + join_words(names, ",") + "}";
  spec += "'[" + zsh_escaped(option.get_description()) + "]";
  if (takes_value(option)) spec += ":" + zsh_escaped(option.get_option_text()) + ":" + zsh_values(option);
  return spec + "'";
}

std::string zsh_arguments(const CLI::App& app) {
  word_list specs;
  for (const auto* o : list_options(app)) specs.push_back(zsh_option(*o));
  std::size_t position = 0;
  for (const auto* o : list_positionals(app)) {
    specs.push_back("'" + std::to_string(++position) + ":" + o->get_name(true) + ":" + zsh_values(*o) + "'");
  }
  return "_arguments -C " + join_words(specs, " \\\n      ");
}

std::string zsh_script(const CLI::App& root) {
  std::string commands, cases;
  for (const auto* sub : root.get_subcommands({})) {
    commands += "    '" + sub->get_name() + ":" + zsh_escaped(sub->get_description()) + "'\n";
    cases += "    " + sub->get_name() + ")\n      " + zsh_arguments(*sub) + " ;;\n";
  }
  return filled(zsh_template, {commands, zsh_arguments(root), cases});
}

}  // namespace

std::string completion_script(const std::string& shell) {
  arguments unused;
  CLI::App root;
  describe(root, unused);
  return shell == "zsh" ? zsh_script(root) : bash_script(root);
}

}  // namespace mcpstate::cli
