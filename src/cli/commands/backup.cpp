// SPDX-License-Identifier: MIT
#include "transfer/backup.hh"

#include <unistd.h>

#include "cli/commands/commands.hh"
#include "cli/reach/transfer_report.hh"
#include "cli/view/error_text.hh"
#include "cli/view/json.hh"
#include "cli/view/text.hh"
#include "cli/words/version.hh"
#include "core/text/printable.hh"
#include "transfer/local_file.hh"

namespace mcpstate::cli {

namespace {

struct backup_words {
  backup_words() {}
  std::string file;
  std::vector<owner> owners;
};

// For the time that is left, and on a terminal only: a look at all owners costs little beside their records.
task<std::optional<std::uint64_t>> count_owners(context& ctx, const std::vector<owner>& chosen) {
  if (!chosen.empty()) co_return std::optional<std::uint64_t>(chosen.size());
  if (!ctx.screen.err_is_terminal()) co_return std::optional<std::uint64_t>();
  std::uint64_t found = 0;
  std::string cursor;
  do {
    MCPSTATE_CO_TRY(page, co_await ctx.store->scan_owners(cursor));
    found += page.owners.size();
    cursor = page.cursor;
    ctx.screen.progress("counting… " + counted(found, "owner"));
  } while (!cursor.empty() && !ctx.stopping);
  co_return std::optional<std::uint64_t>(found);
}

void print_backup(context& ctx, const std::string& file, const transfer::backup_state& done) {
  const auto& counts = done.counts;
  if (ctx.screen.json()) {
    ctx.screen.line(object_writer()
                        .text("file", file)
                        .number("owners", counts.owners)
                        .number("records", counts.records)
                        .number("left_out", counts.left_out)
                        .number("bytes", done.bytes)
                        .number("faults", done.faults.count())
                        .raw("examples", json_array(done.faults.first()))
                        .str());
    return;
  }
  const std::string text = "wrote " + counted(counts.records, "connection") + " of " + counted(counts.owners, "owner") +
                           " down (" + bytes_text(done.bytes) + ")";
  file == "-" ? ctx.screen.note(text) : ctx.screen.line(text);
  print_faults(ctx.screen, done.faults, "could not be written down whole");
}

asio::awaitable<int> run_backup(context& ctx, backup_words words) {
  auto opened = transfer::output_file::open(words.file);
  if (!opened) co_return ctx.fail(opened.error(), error_source::input);
  transfer::output_file& out = **opened;
  const auto total = co_await count_owners(ctx, words.owners);
  if (!total) co_return ctx.fail(total.error());
  rate_report report(ctx.screen, "backing up", "owner", *total);
  transfer::backup_request request;
  request.owners = words.owners;
  request.version = version_text();
  request.progress = [&report](const transfer::backup_state& now) { report.show(now.counts.owners); };
  auto done = co_await transfer::write_backup(*ctx.store, out, std::move(request));
  report.clear();
  if (done) {
    const auto committed = out.commit();
    if (!committed) done = committed.error();
  }
  if (!done) {
    const int code = ctx.fail(done.error(), out.failed() ? error_source::input : error_source::store);
    co_return out.failed() ? exit_code::no : code;
  }
  print_backup(ctx, words.file, *done);
  co_return done->faults.count() > 0 ? exit_code::no : exit_code::done;
}

}  // namespace

result<command> make_backup(const arguments& args) {
  backup_words words;
  words.file = args.file;
  MCPSTATE_TRY(owners, parse_owners(args.owners));
  words.owners = std::move(owners);
  if (words.file == "-" && args.global.json)
    return error(errc::bad_argument, "with --json, name a FILE: standard output has the backup");
  if (words.file == "-" && ::isatty(STDOUT_FILENO) == 1)
    return error(errc::bad_argument, "standard output is a terminal: name a FILE, or redirect it");
  return reading_command([words = std::move(words)](context& ctx) { return run_backup(ctx, words); });
}

}  // namespace mcpstate::cli
