// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <iostream>

#include <mcpstate/open_store.hpp>

#include "cli/commands/commands.hh"
#include "cli/view/json.hh"
#include "cli/view/text.hh"
#include "cli/words/selection.hh"
#include "core/text/ascii.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

struct cleared {
  std::uint64_t owners = 0, records = 0;
};

void print_cleared(context& ctx, const cleared& sum) {
  if (ctx.screen.json()) {
    ctx.screen.line(object_writer().number("owners", sum.owners).number("records", sum.records).str());
  } else if (sum.records == 0) {
    ctx.screen.line("there was nothing to clear");
  } else {
    ctx.screen.line("cleared " + counted(sum.records, "connection") + " of " + counted(sum.owners, "owner"));
  }
}

asio::awaitable<int> clear_owner(context& ctx, owner account) {
  const auto erased = co_await ctx.store->erase(account);
  if (!erased) co_return ctx.fail(erased.error());
  cleared sum;
  sum.records = *erased;
  sum.owners = *erased > 0 ? 1 : 0;
  print_cleared(ctx, sum);
  co_return exit_code::done;
}

// What was done before it failed is said too: it stays done.
int fail_after(context& ctx, const error& e, const cleared& sum) {
  if (sum.owners == 0) return ctx.fail(e);
  const error with_count(e.code(), e.detail() + " (after " + counted(sum.owners, "owner") + " cleared)", e.peer_text());
  return ctx.fail(with_count);
}

asio::awaitable<int> clear_all(context& ctx) {
  cleared sum;
  std::string cursor;
  do {
    const auto page = co_await ctx.store->scan(cursor);
    if (!page) co_return fail_after(ctx, page.error(), sum);
    for (const auto& o : page->owners) {
      if (ctx.stopping) co_return exit_code::no;
      const auto erased = co_await ctx.store->erase(o.owner);
      if (!erased) co_return fail_after(ctx, erased.error(), sum);
      sum.records += *erased;
      if (*erased > 0) ++sum.owners;
      ctx.screen.progress("clearing… " + counted(sum.owners, "owner"));
    }
    cursor = page->cursor;
  } while (!cursor.empty() && !ctx.stopping);
  print_cleared(ctx, sum);
  co_return exit_code::done;
}

// Before anything is opened, and blocking: Ctrl-C at the question ends the program as it would end any other.
bool confirmed(const std::string& subject) {
  std::cerr << "Clear everything of " << printable(subject) << "? This cannot be undone. [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return !answer.empty() && ascii_lower(answer[0]) == 'y';
}

}  // namespace

result<command> make_clear(const arguments& args) {
  if (args.owner && args.all) return error(errc::bad_argument, "give clear an OWNER or --all, not both");
  if (!args.owner && !args.all) return error(errc::bad_argument, "clear needs an OWNER, or --all");
  command out(clear_all);
  std::string subject = "all owners";
  if (!args.all) {
    MCPSTATE_TRY(target, parse_selection(args));
    subject = target.owner.text();
    out.run = [owner = target.owner](context& ctx) { return clear_owner(ctx, owner); };
  }
  if (args.yes) return out;
  if (::isatty(STDIN_FILENO) != 1) {
    return error(errc::bad_argument, "clear asks first, and standard input is no terminal: say --yes if that is meant");
  }
  return confirmed(subject) ? std::move(out) : command(nullptr);
}

}  // namespace mcpstate::cli
