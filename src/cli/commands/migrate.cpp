// SPDX-License-Identifier: MIT
#include <memory>
#include <optional>
#include <utility>

#include <mcpstate/open_store.hpp>

#include "cli/commands/commands.hh"
#include "cli/reach/transfer_report.hh"
#include "cli/view/error_text.hh"
#include "cli/view/json.hh"
#include "cli/view/text.hh"
#include "transfer/migration.hh"

namespace mcpstate::cli {

namespace {

struct migrate_words {
  migrate_words() {}
  std::string to, to_prefix, to_layout;
  bool finish = false;
  transfer::migration_request request;
};

store_options target_options(const context& ctx, const migrate_words& words) {
  store_options out = ctx.config.options;
  if (!words.to_prefix.empty()) out.prefix = words.to_prefix;
  if (!words.to_layout.empty()) out.layout = words.to_layout == "tagged" ? key_layout::tagged : key_layout::plain;
  return out;
}

void print_state(context& ctx, const migrate_words& words, const transfer::migration_state& done) {
  if (ctx.screen.json()) {
    ctx.screen.line(object_writer()
                        .boolean("dry_run", words.request.dry_run)
                        .number("owners", done.owners)
                        .number("written", done.written)
                        .number("present", done.present)
                        .number("removed", done.removed)
                        .number("faults", done.faults.count())
                        .raw("examples", json_array(done.faults.first()))
                        .str());
    return;
  }
  std::string text = words.request.dry_run ? "would copy " : "copied ";
  text += counted(done.written, "connection") + "; " + std::to_string(done.present) + " are there already";
  if (done.removed > 0) text += "; " + std::to_string(done.removed) + " are gone from the first store, and were removed";
  ctx.screen.line(text);
  print_faults(ctx.screen, done.faults, "cannot be copied");
}

// Why records cannot be copied there; absent: they can.
asio::awaitable<std::optional<error>> target_fault(context& ctx, store& to, bool other_keys) {
  if (to.description() == ctx.store->description() && !other_keys)
    co_return error(errc::bad_argument, "--from and --to are the same store");
  const auto layout = co_await to.check_layout();
  if (!layout) co_return error(layout.error().code(), "--to: " + layout.error().detail(), layout.error().peer_text());
  co_return std::nullopt;
}

// The second store. Its errors name it by --to.
task<std::unique_ptr<store>> open_target(context& ctx, const migrate_words& words) {
  auto options = target_options(ctx, words);
  const bool other_keys = options.prefix != ctx.config.options.prefix || options.layout != ctx.config.options.layout;
  auto opened = co_await open_store(ctx.executor, words.to, std::move(options));
  if (!opened) co_return error(opened.error().code(), "--to: " + opened.error().detail(), opened.error().peer_text());
  auto fault = co_await target_fault(ctx, **opened, other_keys);
  if (!fault) co_return std::move(*opened);
  co_await (*opened)->close();
  co_return std::move(*fault);
}

task<transfer::migration_state> copy_all(context& ctx, store& to, const migrate_words& words) {
  rate_report report(ctx.screen, words.request.dry_run ? "comparing" : "copying", "owner", std::nullopt);
  bool told = false;
  transfer::migration_request request = words.request;
  const bool follows = request.follow;
  request.progress = [&](const transfer::migration_state& now) {
    if (follows && now.follows && !std::exchange(told, true)) ctx.screen.note("all is copied; changes follow until Ctrl-C");
    report.show(now.owners, now.owners + now.waiting);
  };
  auto done = co_await transfer::migrate(*ctx.store, to, std::move(request));
  report.clear();
  co_return done;
}

// Whether both stores are equal now. Nobody may write to them meanwhile.
task<std::uint64_t> count_differences(context& ctx, store& to) {
  transfer::migration_request request;
  request.dry_run = true;
  request.remove = true;
  MCPSTATE_CO_TRY(seen, co_await transfer::migrate(*ctx.store, to, std::move(request)));
  co_return seen.written + seen.removed;
}

asio::awaitable<int> run_copies(context& ctx, store& to, const migrate_words& words) {
  const auto done = co_await copy_all(ctx, to, words);
  if (!done) co_return ctx.fail(done.error());
  print_state(ctx, words, *done);
  const int code = done->faults.count() > 0 ? exit_code::no : exit_code::done;
  if (!words.finish || words.request.dry_run) co_return code;
  const auto differences = co_await count_differences(ctx, to);
  if (!differences) co_return ctx.fail(differences.error());
  if (*differences == 0) {
    ctx.screen.note("both stores are equal; start your programs with the new URL");
    co_return code;
  }
  ctx.screen.fail(counted(*differences, "record") + " differ already: somebody still writes; stop the writers and repeat");
  co_return exit_code::no;
}

asio::awaitable<int> run_migration(context& ctx, migrate_words words) {
  auto opened = co_await open_target(ctx, words);
  if (!opened) co_return ctx.fail(opened.error());
  const int code = co_await run_copies(ctx, **opened, words);
  co_await (*opened)->close();
  co_return code;
}

}  // namespace

result<command> make_migrate(const arguments& args) {
  migrate_words words;
  words.to = args.to_store;
  words.to_prefix = args.to_prefix;
  words.to_layout = args.to_layout;
  words.finish = args.finish;
  MCPSTATE_TRY(owners, parse_owners(args.owners));
  words.request.owners = std::move(owners);
  words.request.dry_run = args.dry_run;
  words.request.follow = args.follow;
  words.request.remove = args.finish;
  const auto target = parse_store_url(words.to);
  if (!target) return error(target.error().code(), "--to: " + target.error().detail());
  if (!words.to_prefix.empty()) {
    if (auto keys = key_space::make(words.to_prefix); !keys)
      return error(keys.error().code(), "--to-prefix: " + keys.error().detail());
  }
  if (args.follow && (args.finish || args.dry_run))
    return error(errc::bad_argument, "--follow goes on until Ctrl-C: run --finish or --dry-run without it");
  if (args.finish && !args.owners.empty())
    return error(errc::bad_argument, "--finish is about all owners: leave --owner out");
  command out([words = std::move(words)](context& ctx) { return run_migration(ctx, words); });
  out.until_signal = args.follow;
  return out;
}

}  // namespace mcpstate::cli
