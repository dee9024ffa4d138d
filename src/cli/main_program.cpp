// SPDX-License-Identifier: MIT
#include "cli/main_program.hh"

#include <sys/prctl.h>

#include "cli/commands/commands.hh"
#include "cli/reach/hangups.hh"
#include "cli/view/json.hh"
#include "cli/words/completion.hh"
#include "cli/words/parse.hh"
#include "cli/words/version.hh"

namespace mcpstate::cli {

namespace {

// A service lives long and holds the secrets of many: no core dumps, and no debugger of the same user.
void protect_memory() { ::prctl(PR_SET_DUMPABLE, 0); }

int report_usage_error(terminal& screen, const error& e) {
  screen.fail(e.full_text());
  return exit_code_of(e, error_source::input);
}

void print_version(terminal& screen) {
  const std::string version = version_text();
  screen.line(screen.json() ? object_writer().text("version", version).str() : "mcpstate " + version);
}

int run_line(const arguments& args, terminal& screen) {
  if (args.command == "serve") {
    protect_memory();  // before any secret is read
  } else {
    release_hangups();
  }
  if (args.command == "version") {
    print_version(screen);
    return exit_code::done;
  }
  if (args.command == "completion") {
    screen.write(completion_script(args.shell));
    return exit_code::done;
  }
  const auto config =
      uses_store(args.command) ? choose_settings(args.global, process_environment()) : settings_without_store(args.global);
  if (!config) return report_usage_error(screen, config.error());
  const auto made = make_command(args);
  if (!made) return report_usage_error(screen, made.error());
  if (!made->run) {  // asked, and answered with no
    screen.line("nothing was changed");
    return exit_code::no;
  }
  return run(*made, *config, screen);
}

}  // namespace

int main_program(std::vector<std::string> words) {
  const auto parsed = parse_command_line(std::move(words));
  terminal screen(parsed.args.global.json);
  int code = exit_code::done;
  switch (parsed.what) {
    case parsed_line::outcome::help:
      screen.write(parsed.text);
      break;
    case parsed_line::outcome::wrong:
      screen.fail(parsed.text);
      code = exit_code::usage;
      break;
    case parsed_line::outcome::run:
      code = run_line(parsed.args, screen);
      break;
  }
  if (!screen.all_written() && code == exit_code::done) code = exit_code::no;
  return code;
}

}  // namespace mcpstate::cli
