// SPDX-License-Identifier: MIT
#include "cli/commands/commands.hh"
#include "cli/commands/serve_options.hh"
#include "cli/view/json.hh"
#include "core/duration.hh"

namespace mcpstate::cli {

namespace {

struct token_request {
  explicit token_request(mcpstate::owner account) : owner(std::move(account)) {}
  mcpstate::owner owner;
  service::access_keys keys;
  std::chrono::seconds ttl = std::chrono::hours(1);
};

asio::awaitable<int> mint(context& ctx, token_request request) {
  const auto now = wall_clock().now();
  const auto token = request.keys.mint(request.owner, request.ttl, now);
  const auto expires_at = request.keys.verify(token, now).value().expires_at.value();
  if (ctx.screen.json()) {
    object_writer out;
    out.text("token", token).text("owner", request.owner.text()).time("expires_at", expires_at);
    ctx.screen.line(out.str());
  } else {
    ctx.screen.line(token);
    ctx.screen.note("for " + request.owner.text() + ", until " + to_iso8601(expires_at));
  }
  co_return exit_code::done;
}

}  // namespace

result<command> make_token(const arguments& args) {
  MCPSTATE_TRY(account, mcpstate::owner::parse(args.owner.value_or(std::string())));
  token_request request(std::move(account));
  if (!args.token_ttl.empty()) {
    MCPSTATE_TRY(ttl, parse_duration(args.token_ttl, "--ttl"));
    request.ttl = std::chrono::floor<std::chrono::seconds>(ttl);
    if (request.ttl < std::chrono::seconds(1)) return error(errc::bad_argument, "--ttl is too short: at least 1s");
  }
  MCPSTATE_TRY(tokens, choose_tokens(args.serve.token_file, process_environment()));
  if (tokens.keys.empty()) {
    return error(errc::bad_argument,
                 "there is no service token to sign with: name the service's own with --token-file, MCPSTATE_TOKEN or "
                 "MCPSTATE_TOKEN_FILE");
  }
  request.keys = std::move(tokens.keys);
  return command([request = std::move(request)](context& ctx) { return mint(ctx, request); });
}

}  // namespace mcpstate::cli
