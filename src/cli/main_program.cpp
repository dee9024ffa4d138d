// SPDX-License-Identifier: MIT
#include "cli/main_program.hh"

#include <sys/prctl.h>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <exception>
#include <new>
#include <system_error>

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
  screen.fail(e, e.full_text());
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

int refused_by_system(terminal& screen, const std::string& why) {
  screen.fail("the system refuses what mcpstate needs: " + why);
  return exit_code::unreachable;
}

// What the system refuses before a command can begin (descriptors, threads) comes as an exception. None leaves main.
int run_safely(const arguments& args, terminal& screen) {
  try {
    return run_line(args, screen);
  } catch (const boost::system::system_error& e) {
    return refused_by_system(screen, e.code().message());
  } catch (const std::system_error& e) {
    return refused_by_system(screen, e.code().message());
  } catch (const std::bad_alloc&) {
    screen.fail("there is not enough memory");
    return exit_code::unreachable;
  } catch (const std::exception& e) {
    screen.fail(std::string("internal error: ") + e.what());
    return exit_code::no;
  }
}

}  // namespace

int main_program(std::vector<std::string> words) {
  // Also of a line that is wrong, from which nothing else is taken.
  const bool json = std::find(words.begin(), std::find(words.begin(), words.end(), "--"), "--json") !=
                    std::find(words.begin(), words.end(), "--");
  const auto parsed = parse_command_line(std::move(words));
  terminal screen(parsed.args.global.json || (json && parsed.what == parsed_line::outcome::wrong));
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
      code = run_safely(parsed.args, screen);
      break;
  }
  screen.finish_json(code);
  if (!screen.all_written() && code == exit_code::done) code = exit_code::no;
  return code;
}

}  // namespace mcpstate::cli
