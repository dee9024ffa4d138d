// SPDX-License-Identifier: MIT
#include "cli/reach/server_target.hh"

#include "cli/reach/client_setup.hh"
#include "cli/words/credentials.hh"

namespace mcpstate::cli {

namespace {

error wrong_target(std::string cause) { return error(errc::bad_argument, std::move(cause)); }

bool has_headers(const arguments& args) { return !args.headers.empty() || !args.header_file.empty(); }
bool is_of_program(const arguments& args) { return !args.env.empty() || !args.env_file.empty() || !args.cwd.empty(); }

result<mcp::target> parse_program(const arguments& args) {
  if (has_headers(args)) return wrong_target("--header is for a URL, not for a command after --");
  MCPSTATE_TRY(env, read_variables(args, process_environment()));
  mcp::stdio_target out;
  out.command = args.program;
  out.cwd = args.cwd;
  out.env = std::move(env);
  return mcp::target(std::move(out));
}

mcp::target http_target(std::string url, name_value_pairs headers) {
  mcp::http_target out;
  out.url = std::move(url);
  out.headers = std::move(headers);
  return out;
}

}  // namespace

result<mcp::target> parse_target(const arguments& args) {
  if (args.url.has_value() == !args.program.empty()) {
    return wrong_target(args.url ? "give a URL or a command after --, not both"
                                 : "give a URL, or a command after -- (see mcpstate " + args.command + " --help)");
  }
  if (!args.url) return parse_program(args);
  if (is_of_program(args)) return wrong_target("--env and --cwd are for a command after --, not for a URL");
  MCPSTATE_CHECK(mcp::shown_url(*args.url));
  MCPSTATE_TRY(headers, read_headers(args, process_environment()));
  return http_target(*args.url, std::move(headers));
}

result<target_additions> parse_target_additions(const arguments& args) {
  target_additions out;
  MCPSTATE_TRY(options, parse_client_options(args));
  out.options = std::move(options);
  if (!args.program.empty()) {
    MCPSTATE_TRY(program, parse_program(args));
    out.program = std::get<mcp::stdio_target>(std::move(program));
    return out;
  }
  if (is_of_program(args)) return wrong_target("--env and --cwd are for a command after --");
  MCPSTATE_TRY(headers, read_headers(args, process_environment()));
  out.headers = std::move(headers);
  return out;
}

result<mcp::target> recorded_target(const connection& record, const target_additions& additions) {
  const std::string name = record.owner.text() + " " + record.server;
  if (record.state == status::disconnected) {
    return error(errc::no_record, name + " is DISCONNECTED; mcpstate connect opens it again");
  }
  const bool has_url = is_http(record.info.transport) && !record.info.url.empty();
  if (has_url && additions.program)
    return wrong_target(name + " is reached at " + record.info.url + ": leave the command out");
  if (has_url) return http_target(record.info.url, additions.headers);
  if (additions.program) return mcp::target(*additions.program);
  if (record.info.transport == "stdio") {
    return wrong_target(name + " is a program, and commands are never stored: give it again after --");
  }
  return wrong_target("the record of " + name + " does not say where the server is: give its command after --");
}

}  // namespace mcpstate::cli
