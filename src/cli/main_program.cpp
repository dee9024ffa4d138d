// SPDX-License-Identifier: MIT
#include "cli/main_program.hh"

#include "cli/commands/table.hh"
#include "core/json/text.hh"

namespace mcpstate::cli {

namespace {

int wrong_usage(terminal& screen, const error& e) {
  screen.fail(e.full_text());
  return exit_code_of(e, blame::input);
}

void print_version(terminal& screen) {
  if (!screen.json()) return screen.line(std::string("mcpstate ") + version_text());
  std::string out = "{";
  json_members(out).text("version", version_text());
  screen.line(out + "}");
}

int run_line(const arguments& args, terminal& screen) {
  if (args.command == "version") {
    print_version(screen);
    return exits::done;
  }
  if (args.command == "completion") {
    screen.write(completion_script(args.shell));
    return exits::done;
  }
  const auto config =
      uses_store(args.command) ? choose_settings(args.global, process_surroundings()) : settings_without_store(args.global);
  if (!config) return wrong_usage(screen, config.error());
  const auto what = make_command(args);
  if (!what) return wrong_usage(screen, what.error());
  if (!what->run) {  // asked, and answered with no
    screen.line("nothing was changed");
    return exits::no;
  }
  return run(*what, *config, screen);
}

}  // namespace

int main_program(std::vector<std::string> words) {
  const auto parsed = parse_command_line(std::move(words));
  terminal screen(parsed.args.global.json);
  int code = exits::done;
  switch (parsed.what) {
    case parsed_line::outcome::help:
      screen.write(parsed.text);
      break;
    case parsed_line::outcome::wrong:
      screen.fail(parsed.text);
      code = exits::usage;
      break;
    case parsed_line::outcome::run:
      code = run_line(parsed.args, screen);
      break;
  }
  if (!screen.all_written() && code == exits::done) code = exits::no;
  return code;
}

}  // namespace mcpstate::cli
