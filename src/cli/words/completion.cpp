// SPDX-License-Identifier: MIT
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <string>
#include <utility>
#include <vector>

#include "cli/words/arguments.hh"

namespace mcpstate::cli {

namespace {

using names_list = std::vector<std::string>;

// "{plain,tagged}" of a choice, as words; none for anything else.
names_list choices_of(const CLI::Option& option) {
  std::string text;
  try {
    text = const_cast<CLI::Option&>(option).get_validator(0)->get_description();
  } catch (const CLI::OptionNotFound&) {
    return {};
  }
  if (text.size() < 2 || text.front() != '{') return {};
  return CLI::detail::split(text.substr(1, text.size() - 2), ',');
}

names_list names_of(const CLI::Option& option) {
  names_list out;
  for (const auto& n : option.get_lnames()) out.push_back("--" + n);
  for (const auto& n : option.get_snames()) out.push_back("-" + n);
  return out;
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option* o) { return o->nonpositional(); });
}

std::vector<const CLI::Option*> positionals_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option* o) { return o->get_positional(); });
}

std::string joined(const names_list& words, const char* between) { return CLI::detail::join(words, between); }

// --- bash: one case per command for its words, one per option for its values ---

names_list bash_words(const CLI::App& app) {
  names_list words;
  for (const auto* sub : app.get_subcommands({})) words.push_back(sub->get_name());
  for (const auto* o : positionals_of(app)) {
    for (const auto& c : choices_of(*o)) words.push_back(c);
  }
  for (const auto* o : options_of(app)) {
    for (const auto& n : names_of(*o)) words.push_back(n);
  }
  return words;
}

std::string bash_values(const CLI::Option& option) {
  const auto choices = choices_of(option);
  if (!choices.empty()) return "COMPREPLY=($(compgen -W '" + joined(choices, " ") + "' -- \"$cur\"))";
  if (option.get_option_text() == "FILE") return "COMPREPLY=($(compgen -f -- \"$cur\"))";
  if (option.get_option_text() == "DIR") return "COMPREPLY=($(compgen -d -- \"$cur\"))";
  return ":";
}

std::string bash_value_cases(const CLI::App& app) {
  const std::string command = app.get_parent() == nullptr ? "" : app.get_name();
  std::string out;
  for (const auto* o : options_of(app)) {
    if (!takes_value(*o)) continue;
    names_list patterns;
    for (const auto& n : names_of(*o)) {
      std::string pattern = "'";
      pattern.append(command).append(" ").append(n).append("'");
      patterns.push_back(std::move(pattern));
    }
    out += "    " + joined(patterns, "|") + ") " + bash_values(*o) + "; return ;;\n";
  }
  return out;
}

std::string bash_word_case(const CLI::App& app) {
  const std::string command = app.get_parent() == nullptr ? "" : app.get_name();
  return "    '" + command + "') words='" + joined(bash_words(app), " ") + "' ;;\n";
}

std::string bash_script(const CLI::App& root) {
  names_list commands;
  std::string values = bash_value_cases(root), words = bash_word_case(root);
  for (const auto* sub : root.get_subcommands({})) {
    commands.push_back(sub->get_name());
    values += bash_value_cases(*sub);
    words += bash_word_case(*sub);
  }
  return "# bash completion of mcpstate; made by: mcpstate completion bash\n"
         "_mcpstate() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' words='' i\n"
         "  COMPREPLY=()\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case ${COMP_WORDS[i]} in\n"
         "    --) return ;;\n"
         "    " +
         joined(commands, "|") +
         ") command=${COMP_WORDS[i]}; break ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$command $prev\" in\n" +
         values +
         "  esac\n"
         "  case $command in\n" +
         words +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "}\n"
         "complete -F _mcpstate mcpstate\n";
}

// --- zsh: an _arguments specification per command ---

std::string zsh_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out;
}

std::string zsh_values(const CLI::Option& option) {
  const auto choices = choices_of(option);
  if (!choices.empty()) return "(" + joined(choices, " ") + ")";
  if (option.get_option_text() == "FILE") return "_files";
  if (option.get_option_text() == "DIR") return "_files -/";
  return " ";
}

std::string zsh_option(const CLI::Option& option) {
  const auto names = names_of(option);
  const bool repeats = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll && takes_value(option);
  std::string spec = repeats ? "'*'" : "'(" + joined(names, " ") + ")'";
  spec += names.size() == 1 ? names.front() : "{" + joined(names, ",") + "}";
  spec += "'[" + zsh_escaped(option.get_description()) + "]";
  if (takes_value(option)) spec += ":" + zsh_escaped(option.get_option_text()) + ":" + zsh_values(option);
  return spec + "'";
}

std::string zsh_arguments(const CLI::App& app) {
  names_list specs;
  for (const auto* o : options_of(app)) specs.push_back(zsh_option(*o));
  std::size_t place = 0;
  for (const auto* o : positionals_of(app)) {
    specs.push_back("'" + std::to_string(++place) + ":" + o->get_name(true) + ":" + zsh_values(*o) + "'");
  }
  return "_arguments -C " + joined(specs, " \\\n      ");
}

std::string zsh_script(const CLI::App& root) {
  std::string commands, cases;
  for (const auto* sub : root.get_subcommands({})) {
    commands += "    '" + sub->get_name() + ":" + zsh_escaped(sub->get_description()) + "'\n";
    cases += "    " + sub->get_name() + ")\n      " + zsh_arguments(*sub) + " ;;\n";
  }
  return "#compdef mcpstate\n"
         "# zsh completion of mcpstate; made by: mcpstate completion zsh\n"
         "_mcpstate() {\n"
         "  local curcontext=$curcontext state line\n"
         "  local -a commands\n"
         "  commands=(\n" +
         commands +
         "  )\n"
         "  " +
         zsh_arguments(root) +
         " \\\n      '1:command:->command' '*::argument:->argument'\n"
         "  case $state in\n"
         "  command) _describe command commands ;;\n"
         "  argument)\n"
         "    case $words[1] in\n" +
         cases +
         "    esac ;;\n"
         "  esac\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _mcpstate ]; then _mcpstate \"$@\"; else compdef _mcpstate mcpstate; fi\n";
}

}  // namespace

std::string completion_script(const std::string& shell) {
  arguments unused;
  CLI::App root;
  describe(root, unused);
  return shell == "zsh" ? zsh_script(root) : bash_script(root);
}

}  // namespace mcpstate::cli
