// SPDX-License-Identifier: MIT
#include "cli/words/parse.hh"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <numeric>

#include "cli/view/text.hh"
#include "cli/words/describe.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

using word_iterator = std::vector<std::string>::const_iterator;

// Whether a command takes a server's command line: what words before "--" say.
bool takes_server_command(word_iterator begin, word_iterator end, const CLI::App& app) {
  const auto command = std::find_if(begin, end, [&app](const std::string& w) {
    const auto subs = app.get_subcommands([&w](const CLI::App* sub) { return sub->get_name() == w; });
    return !subs.empty();
  });
  if (command == end) return false;
  if (*command == "tools") return std::find(command, end, "--refresh") != end;
  return *command == "connect" || *command == "call" || *command == "probe";
}

// What follows the first "--" is then the server's own command line, whatever it looks like.
std::vector<std::string> split_program(std::vector<std::string>& words, const CLI::App& app) {
  const auto dashes = std::find(words.begin(), words.end(), "--");
  if (dashes == words.end() || !takes_server_command(words.begin(), dashes, app)) return {};
  std::vector<std::string> program(dashes + 1, words.end());
  words.erase(dashes, words.end());
  return program;
}

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// "unknown command 'lst': did you mean 'list'?"
std::string unknown_command(const CLI::App& app, const std::string& word) {
  std::string best;
  std::size_t distance = 3;  // more is another word
  for (const auto* sub : app.get_subcommands({})) {
    const auto d = edit_distance(cut_to_width(word, 32), sub->get_name());
    if (d < distance) {
      distance = d;
      best = sub->get_name();
    }
  }
  return "unknown command '" + printable(cut_to_width(word, 60)) + "'" +
         (best.empty() ? "" : "; did you mean '" + best + "'?");
}

const CLI::App* chosen_command(const CLI::App& app) {
  const auto subs = app.get_subcommands();
  return subs.empty() ? nullptr : subs.front();
}

std::string wrong_usage(const CLI::App& app, const CLI::ParseError& e) {
  const auto* sub = chosen_command(app);
  std::string message = printable(cut_to_width(e.what(), 300));
  auto extras = app.remaining(true);
  std::erase(extras, "--");
  if (sub == nullptr) {
    const auto word = std::find_if(extras.begin(), extras.end(), [](const std::string& w) { return !w.starts_with('-'); });
    message = word != extras.end() ? unknown_command(app, *word)
              : !extras.empty()    ? "unknown option '" + printable(cut_to_width(extras.front(), 60)) + "'"
                                   : std::string("a command is missing");
  } else if (!extras.empty()) {
    const bool option = extras.front().starts_with('-');
    message = (option ? "unknown option '" : "one word too many: '") + printable(cut_to_width(extras.front(), 60)) + "'";
  }
  return message + " (see mcpstate " + (sub == nullptr ? "" : sub->get_name() + " ") + "--help)";
}

// CLI11 leaves two blank lines between groups, and cannot say that a command line may stand in place of the URL.
std::string tidy(std::string help) {
  for (auto found = help.find("\n\n\n"); found != std::string::npos; found = help.find("\n\n\n")) help.erase(found, 1);
  constexpr std::string_view url = " [URL]\n";
  const auto found = help.find(url);
  if (found != std::string::npos) help.replace(found, url.size(), " URL | -- COMMAND ARGUMENT…\n");
  constexpr std::string_view input = " [JSON]\n";
  const auto last = help.find(input);
  if (last != std::string::npos) help.replace(last, input.size(), " [JSON] [-- COMMAND ARGUMENT…]\n");
  return help;
}

}  // namespace

parsed_line parse_command_line(std::vector<std::string> words) {
  parsed_line line;
  CLI::App app;
  describe(app, line.args);
  line.args.program = split_program(words, app);
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app.parse(std::move(words));
  } catch (const CLI::CallForVersion& e) {
    line.what = parsed_line::outcome::help;
    line.text = std::string(e.what()) + "\n";
  } catch (const CLI::CallForHelp&) {
    const auto* sub = chosen_command(app);
    line.what = parsed_line::outcome::help;
    line.text = tidy(sub == nullptr ? app.help() : sub->help("mcpstate"));
  } catch (const CLI::ParseError& e) {
    line.what = parsed_line::outcome::wrong;
    line.text = wrong_usage(app, e);
  }
  return line;
}

}  // namespace mcpstate::cli
