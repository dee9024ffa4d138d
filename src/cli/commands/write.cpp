// SPDX-License-Identifier: MIT
// set, touch, claim, disconnect.
#include "cli/commands/commands.hh"
#include "cli/view/json.hh"
#include "cli/view/record_view.hh"
#include "cli/view/text.hh"
#include "cli/words/input.hh"
#include "cli/words/selection.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

// What `set` was asked to write.
struct set_request {
  explicit set_request(selection chosen) : target(std::move(chosen)) {}
  selection target;
  status state = status::disconnected;
  std::optional<tools_list> tools;
  std::string reason;
  bool allow_empty = false, take_over = false;
  std::optional<std::uint64_t> if_revision;
};

bool can_fail(status s) noexcept { return s == status::failed || s == status::auth_required; }

error changed_meanwhile(const selection& target, std::uint64_t expected, const std::optional<connection>& found) {
  const std::string is = found ? "has revision " + std::to_string(found->revision) : "does not exist";
  return error(errc::stale_basis, connection_label(target.owner, target.server->text()) + " " + is + ", not " +
                                      std::to_string(expected) + "; nothing was written");
}

bool is_managed(const std::optional<connection>& before) {
  return before && before->info.managed && before->state != status::disconnected;
}

// What was recorded by hand is not managed.
change requested_change(const set_request& request, const std::optional<connection>& before) {
  change out = before ? change(*before, request.state) : change(request.target.owner, *request.target.server, request.state);
  out.based_on(before ? before->seen : basis());
  if (before && before->info.managed) {
    details info = before->info;
    info.managed = false;
    info.registered.clear();
    out.set_details(std::move(info));
  }
  if (request.tools) out.tools(*request.tools);
  if (request.allow_empty) out.allow_empty_tools();
  if (can_fail(request.state)) {
    failure cause;
    cause.code = "reported";
    cause.message = request.reason.empty() ? "the host reported it without a reason" : printable(request.reason);
    out.fail(std::move(cause));
  }
  return out;
}

// What may be written depends on what is there, so each attempt reads first, and its write holds for what it has read.
task<connection> write_requested(context& ctx, set_request request) {
  for (int attempt = 1;; ++attempt) {
    MCPSTATE_CO_TRY(before, co_await ctx.store->get(request.target.owner, *request.target.server, tools_wanted::no));
    // A revision names what we wrote; another program's change since then has none of its own.
    const bool unaltered = !before || !before->altered;
    const bool expected = !request.if_revision || (unaltered && (before ? before->revision : 0) == *request.if_revision);
    if (!expected) co_return changed_meanwhile(request.target, *request.if_revision, before);
    if (is_managed(before) && !request.take_over) co_return managed_refusal(*before);
    auto update = requested_change(request, before);
    auto written = co_await ctx.store->put(std::move(update));
    const bool again = !written && written.error().is(cond::conflict) && written.error().code() != errc::empty_tools;
    if (!again || request.if_revision || attempt == store_backend::max_attempts) co_return written;
  }
}

asio::awaitable<int> set_record(context& ctx, set_request request) {
  const auto written = co_await write_requested(ctx, request);
  if (!written) {
    if (written.error().code() != errc::empty_tools) co_return ctx.fail(written.error());
    co_return ctx.fail(error(errc::empty_tools, written.error().detail() + "; say --allow-empty if that is meant"));
  }
  if (ctx.screen.json()) {
    ctx.screen.line(to_json(*written));
  } else {
    ctx.screen.line(printable(connection_label(request.target.owner, request.target.server->text())) + " is " +
                    std::string(to_text(request.state)) + ", revision " + std::to_string(written->revision));
  }
  co_return exit_code::done;
}

void print_count(context& ctx, const char* name, std::uint64_t n, const std::string& sentence) {
  ctx.screen.line(ctx.screen.json() ? object_writer().number(name, n).str() : sentence);
}

asio::awaitable<int> touch_records(context& ctx, selection target) {
  const auto touched = co_await ctx.store->touch(target.owner, target.server);
  if (!touched) co_return ctx.fail(touched.error());
  if (*touched == 0 && target.server) {
    const std::string server = target.server->text();
    co_return ctx.fail(error(errc::no_record, target.owner.text() + " has no connection named '" + server + "'"));
  }
  const std::string renewed =
      "renewed " + counted(*touched, "connection") + ", now for " + duration_text(ctx.config.options.ttl);
  print_count(ctx, "touched", *touched,
              *touched > 0 ? renewed : printable(target.owner.text()) + " has no connections to renew");
  co_return exit_code::done;
}

asio::awaitable<int> disconnect_records(context& ctx, selection target) {
  const std::optional<basis> any_basis;
  const auto changed = co_await ctx.store->disconnect(target.owner, target.server, any_basis);
  if (!changed) co_return ctx.fail(changed.error());
  const std::string label =
      printable(target.server ? connection_label(target.owner, target.server->text()) : target.owner.text());
  const std::string sentence = *changed > 0    ? "disconnected " + counted(*changed, "connection") + " of " + label
                               : target.server ? label + " was disconnected already"
                                               : label + " had nothing to disconnect";
  print_count(ctx, "disconnected", *changed, target.server && *changed > 0 ? label + " is DISCONNECTED" : sentence);
  co_return exit_code::done;
}

std::string list_suffix(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& t : texts) out += (out.empty() ? "" : ", ") + printable(t);
  return out.empty() ? "" : ": " + out;
}

asio::awaitable<int> claim_session(context& ctx, owner session, owner user) {
  const auto claimed = co_await ctx.store->claim(session, user);
  if (!claimed) co_return ctx.fail(claimed.error());
  const auto& got = *claimed;
  if (ctx.screen.json()) {
    object_writer out;
    out.raw("moved", json_array(got.moved)).raw("kept", json_array(got.kept));
    ctx.screen.line(out.str());
    co_return exit_code::done;
  }
  ctx.screen.line("moved " + counted(got.moved.size(), "connection") + " to " + printable(user.text()) +
                  list_suffix(got.moved));
  if (!got.kept.empty()) ctx.screen.line("kept the user's own" + list_suffix(got.kept));
  co_return exit_code::done;
}

}  // namespace

result<command> make_set(const arguments& args) {
  MCPSTATE_TRY(target, parse_selection(args));
  set_request request(target);
  const auto state = status_from_text(args.status);
  if (!state) return error(errc::bad_argument, "no status is named '" + printable(args.status) + "'");
  request.state = *state;
  if (!args.reason.empty() && !can_fail(*state))
    return error(errc::bad_argument, "--reason goes with FAILED and AUTH_REQUIRED");
  if (!args.tools_file.empty()) {
    if (*state == status::disconnected)
      return error(errc::bad_argument, "a DISCONNECTED connection has no tools: leave --tools out");
    MCPSTATE_TRY(tools, read_tools(args.tools_file));
    request.tools = std::move(tools);
  }
  request.reason = args.reason;
  request.allow_empty = args.allow_empty;
  request.take_over = args.take_over;
  request.if_revision = args.if_revision;
  return command([request = std::move(request)](context& ctx) { return set_record(ctx, request); });
}

result<command> make_touch(const arguments& args) {
  const auto target = parse_selection(args);
  if (!target) return target.error();
  return command([target = *target](context& ctx) { return touch_records(ctx, target); });
}

result<command> make_disconnect(const arguments& args) {
  const auto target = parse_selection(args);
  if (!target) return target.error();
  return command([target = *target](context& ctx) { return disconnect_records(ctx, target); });
}

result<command> make_claim(const arguments& args) {
  const auto session = owner::parse(args.session);
  if (!session) return session.error();
  const auto user = owner::parse(args.user);
  if (!user) return user.error();
  if (session->kind() != owner_kind::session || user->kind() != owner_kind::user) {
    return error(errc::bad_argument, "claim moves from session:KEY to user:ID, in this order");
  }
  return command([session = *session, user = *user](context& ctx) { return claim_session(ctx, session, user); });
}

}  // namespace mcpstate::cli
