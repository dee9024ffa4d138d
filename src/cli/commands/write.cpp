// SPDX-License-Identifier: MIT
// set, touch, claim, disconnect.
#include "cli/commands/table.hh"
#include "cli/view/record_view.hh"
#include "cli/view/text.hh"
#include "cli/words/input.hh"
#include "core/json/text.hh"

namespace mcpstate::cli {

namespace {

// What `set` was asked to write.
struct set_words {
  explicit set_words(names of) : which(std::move(of)) {}
  names which;
  status to = status::disconnected;
  std::optional<tools_list> tools;
  std::string reason;
  bool allow_empty = false;
  std::optional<std::uint64_t> if_revision;
};

bool can_fail(status s) noexcept { return s == status::failed || s == status::auth_required; }

error changed_meanwhile(const names& which, std::uint64_t expected, const std::optional<connection>& found) {
  const std::string is = found ? "has revision " + std::to_string(found->revision) : "does not exist";
  return error(errc::stale_basis, label(which.whose, which.server->text()) + " " + is + ", not " + std::to_string(expected) +
                                      "; nothing was written");
}

change change_of(const set_words& words) {
  change out(words.which.whose, *words.which.server, words.to);
  if (words.tools) out.tools(*words.tools);
  if (words.allow_empty) out.allow_empty_tools();
  if (can_fail(words.to)) {
    failure why;
    why.code = "reported";
    why.message = words.reason.empty() ? "the host reported it without a reason" : shown(words.reason);
    out.fail(std::move(why));
  }
  return out;
}

asio::awaitable<int> set_record(context& ctx, set_words words) {
  auto what = change_of(words);
  if (words.if_revision) {
    const auto before = co_await ctx.store->get(words.which.whose, *words.which.server, tools_wanted::no);
    if (!before) co_return ctx.fail(before.error());
    // A revision names what we wrote; another program's change since then has none of its own.
    const bool unaltered = !*before || !(*before)->altered;
    const bool expected = unaltered && (*before ? (*before)->revision : 0) == *words.if_revision;
    if (!expected) co_return ctx.fail(changed_meanwhile(words.which, *words.if_revision, *before));
    what.based_on(*before ? (*before)->seen : basis());
  }
  const auto written = co_await ctx.store->put(std::move(what));
  if (!written) {
    if (written.error().code() != errc::empty_tools) co_return ctx.fail(written.error());
    co_return ctx.fail(error(errc::empty_tools, written.error().detail() + "; say --allow-empty if that is meant"));
  }
  if (ctx.screen.json()) {
    ctx.screen.line(to_json(*written));
  } else {
    ctx.screen.line(shown(label(words.which.whose, words.which.server->text())) + " is " + std::string(to_text(words.to)) +
                    ", revision " + std::to_string(written->revision));
  }
  co_return exits::done;
}

void print_count(context& ctx, const char* name, std::uint64_t n, const std::string& sentence) {
  if (!ctx.screen.json()) {
    ctx.screen.line(sentence);
    return;
  }
  std::string out = "{";
  json_members(out).number(name, n);
  ctx.screen.line(out + "}");
}

asio::awaitable<int> touch_records(context& ctx, names which) {
  const auto touched = co_await ctx.store->touch(which.whose, which.server);
  if (!touched) co_return ctx.fail(touched.error());
  if (*touched == 0 && which.server)
    co_return ctx.fail(
        error(errc::no_record, which.whose.text() + " has no connection named '" + which.server->text() + "'"));
  const std::string renewed =
      "renewed " + counted(*touched, "connection") + ", now for " + duration_text(ctx.config.options.ttl);
  print_count(ctx, "touched", *touched, *touched > 0 ? renewed : shown(which.whose.text()) + " has no connections to renew");
  co_return exits::done;
}

asio::awaitable<int> disconnect_records(context& ctx, names which) {
  const std::optional<basis> whatever_is_there;
  const auto changed = co_await ctx.store->disconnect(which.whose, which.server, whatever_is_there);
  if (!changed) co_return ctx.fail(changed.error());
  const std::string whose = shown(which.server ? label(which.whose, which.server->text()) : which.whose.text());
  const std::string sentence = *changed > 0   ? "disconnected " + counted(*changed, "connection") + " of " + whose
                               : which.server ? whose + " was disconnected already"
                                              : whose + " had nothing to disconnect";
  print_count(ctx, "disconnected", *changed, which.server && *changed > 0 ? whose + " is DISCONNECTED" : sentence);
  co_return exits::done;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& t : texts) out += (out.empty() ? "" : ", ") + shown(t);
  return out.empty() ? "" : ": " + out;
}

asio::awaitable<int> claim_session(context& ctx, owner session, owner user) {
  const auto claimed = co_await ctx.store->claim(session, user);
  if (!claimed) co_return ctx.fail(claimed.error());
  const auto& got = *claimed;
  if (ctx.screen.json()) {
    std::string out = "{";
    json_members members(out);
    members.raw("moved", json_array(got.moved));
    members.raw("kept", json_array(got.kept));
    ctx.screen.line(out + "}");
    co_return exits::done;
  }
  ctx.screen.line("moved " + counted(got.moved.size(), "connection") + " to " + shown(user.text()) + joined(got.moved));
  if (!got.kept.empty()) ctx.screen.line("kept the user's own" + joined(got.kept));
  co_return exits::done;
}

}  // namespace

result<command> make_set(const arguments& args) {
  const auto which = names_of(args);
  if (!which) return which.error();
  set_words words(*which);
  const auto to = status_from_text(args.status);
  if (!to) return error(errc::bad_argument, "no status is named '" + shown(args.status) + "'");
  words.to = *to;
  if (!args.reason.empty() && !can_fail(*to))
    return error(errc::bad_argument, "--reason goes with FAILED and AUTH_REQUIRED");
  if (!args.tools_file.empty()) {
    if (*to == status::disconnected)
      return error(errc::bad_argument, "a DISCONNECTED connection has no tools: leave --tools out");
    auto tools = read_tools(args.tools_file);
    if (!tools) return tools.error();
    words.tools = std::move(*tools);
  }
  words.reason = args.reason;
  words.allow_empty = args.allow_empty;
  words.if_revision = args.if_revision;
  command out;
  out.run = [words = std::move(words)](context& ctx) { return set_record(ctx, words); };
  return out;
}

result<command> make_touch(const arguments& args) {
  const auto which = names_of(args);
  if (!which) return which.error();
  command out;
  out.run = [which = *which](context& ctx) { return touch_records(ctx, which); };
  return out;
}

result<command> make_disconnect(const arguments& args) {
  const auto which = names_of(args);
  if (!which) return which.error();
  command out;
  out.run = [which = *which](context& ctx) { return disconnect_records(ctx, which); };
  return out;
}

result<command> make_claim(const arguments& args) {
  const auto session = owner::parse(args.session);
  if (!session) return session.error();
  const auto user = owner::parse(args.user);
  if (!user) return user.error();
  if (session->kind() != owner_kind::session || user->kind() != owner_kind::user) {
    return error(errc::bad_argument, "claim moves from session:KEY to user:ID, in this order");
  }
  command out;
  out.run = [session = *session, user = *user](context& ctx) { return claim_session(ctx, session, user); };
  return out;
}

}  // namespace mcpstate::cli
