// SPDX-License-Identifier: MIT
#include "cli/commands/serve_options.hh"
#include "cli/commands/table.hh"
#include "core/duration.hh"
#include "core/json/text.hh"

namespace mcpstate::cli {

namespace {

struct token_order {
  explicit token_order(owner who) : whose(std::move(who)) {}
  owner whose;
  service::access_keys keys;
  std::chrono::seconds ttl = std::chrono::hours(1);
};

asio::awaitable<int> mint(context& ctx, token_order order) {
  const auto now = wall_clock().now();
  const auto token = order.keys.mint(order.whose, order.ttl, now);
  const auto expires_at = order.keys.verify(token, now).value().expires_at.value();
  if (ctx.screen.json()) {
    std::string out = "{";
    json_members members(out);
    members.text("token", token);
    members.text("owner", order.whose.text());
    members.text("expires_at", to_iso8601(expires_at));
    ctx.screen.line(out + "}");
  } else {
    ctx.screen.line(token);
    ctx.screen.note("for " + order.whose.text() + ", until " + to_iso8601(expires_at));
  }
  co_return exits::done;
}

}  // namespace

result<command> make_token(const arguments& args) {
  auto who = owner::parse(args.owner.value_or(std::string()));
  if (!who) return who.error();
  token_order order(std::move(*who));
  if (!args.token_ttl.empty()) {
    const auto ttl = parse_duration(args.token_ttl, "--ttl");
    if (!ttl) return ttl.error();
    order.ttl = std::chrono::floor<std::chrono::seconds>(*ttl);
    if (order.ttl < std::chrono::seconds(1)) return error(errc::bad_argument, "--ttl is too short: at least 1s");
  }
  auto tokens = choose_tokens(args.serve.token_file, process_surroundings());
  if (!tokens) return tokens.error();
  if (tokens->keys.empty()) {
    return error(errc::bad_argument,
                 "there is no service token to sign with: name the service's own with --token-file, MCPSTATE_TOKEN or "
                 "MCPSTATE_TOKEN_FILE");
  }
  order.keys = std::move(tokens->keys);
  command out;
  out.run = [order = std::move(order)](context& ctx) { return mint(ctx, order); };
  return out;
}

}  // namespace mcpstate::cli
