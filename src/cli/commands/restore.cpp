// SPDX-License-Identifier: MIT
#include "transfer/restore.hh"

#include <unistd.h>

#include "cli/commands/commands.hh"
#include "cli/reach/transfer_report.hh"
#include "cli/view/json.hh"
#include "cli/view/text.hh"
#include "core/text/printable.hh"
#include "transfer/local_file.hh"

namespace mcpstate::cli {

namespace {

struct restore_words {
  restore_words() {}
  std::string file;
  transfer::restore_request request;
};

// "2 sections of 'CRED'": what a newer mcpstate wrote down, and this one does not know.
std::vector<std::string> unknown_texts(const transfer::restore_state& state) {
  std::vector<std::string> out;
  for (const auto& [type, count] : state.unknown) out.push_back(counted(count, "section") + " of '" + printable(type) + "'");
  return out;
}

void print_json(context& ctx, const restore_words& words, const transfer::restore_state& done) {
  ctx.screen.line(object_writer()
                      .text("file", words.file)
                      .time("created_at", done.first.created_at)
                      .text("store", done.first.store)
                      .boolean("dry_run", words.request.dry_run)
                      .number("records", done.counts.records)
                      .number("written", done.written)
                      .number("present", done.present)
                      .number("expired", done.expired)
                      .number("unwanted", done.unwanted)
                      .number("faults", done.faults.count())
                      .raw("examples", json_array(done.faults.first()))
                      .raw("unknown_sections", json_array(unknown_texts(done)))
                      .str());
}

void print_text(context& ctx, const restore_words& words, const transfer::restore_state& done) {
  std::string text = words.request.dry_run ? "would restore " : "restored ";
  text += counted(done.written, "connection") + " of " + std::to_string(done.counts.records);
  if (done.present > 0) text += "; " + std::to_string(done.present) + " stay as they are there";
  if (done.expired > 0) text += "; " + std::to_string(done.expired) + " have expired";
  if (done.unwanted > 0) text += "; " + std::to_string(done.unwanted) + " of other owners";
  ctx.screen.line(text);
  if (done.counts.left_out > 0)
    ctx.screen.note(counted(done.counts.left_out, "record") + " could not be written down when the backup was made");
  for (const auto& unknown : unknown_texts(done))
    ctx.screen.fail("left out " + unknown + ": a newer mcpstate wrote it; update to restore it");
  print_faults(ctx.screen, done.faults, "could not be restored whole");
}

// Of the file, or of the store.
int fail_restore(context& ctx, const std::string& file, const error& why) {
  if (why.code() != errc::bad_backup) return ctx.fail(why);
  const error named(why.code(), printable(file == "-" ? "standard input" : file) + ": " + why.detail());
  return ctx.fail(named, error_source::input);
}

// How many records there are. Absent: nobody knows, because a pipe can be read once.
task<std::optional<std::uint64_t>> check_file(context& ctx, transfer::input_file& from) {
  if (!from.can_rewind()) {
    ctx.screen.note("a pipe is checked as it is read: damage will stop the restore where it is");
    co_return std::optional<std::uint64_t>();
  }
  rate_report report(ctx.screen, "checking", "byte", from.size());
  std::function<void(const transfer::restore_state&)> progress = [&report](const transfer::restore_state& now) {
    report.show(now.position);
  };
  auto checked = co_await transfer::check_backup(from, std::move(progress));
  report.clear();
  if (!checked) co_return checked.error();
  MCPSTATE_CO_CHECK(from.rewind());
  co_return std::optional<std::uint64_t>(checked->counts.records);
}

asio::awaitable<int> run_restore(context& ctx, restore_words words) {
  auto opened = transfer::input_file::open(words.file);
  if (!opened) co_return ctx.fail(opened.error(), error_source::input);
  transfer::input_file& from = **opened;
  const auto total = co_await check_file(ctx, from);
  if (!total) co_return fail_restore(ctx, words.file, total.error());
  rate_report report(ctx.screen, words.request.dry_run ? "comparing" : "restoring", "record", *total);
  transfer::restore_request request = words.request;
  request.progress = [&report](const transfer::restore_state& now) { report.show(now.written + now.present + now.expired); };
  const auto done = co_await transfer::restore_backup(from, *ctx.store, std::move(request));
  report.clear();
  if (!done) co_return fail_restore(ctx, words.file, done.error());
  ctx.screen.json() ? print_json(ctx, words, *done) : print_text(ctx, words, *done);
  co_return done->faults.count() > 0 || !done->unknown.empty() ? exit_code::no : exit_code::done;
}

}  // namespace

result<command> make_restore(const arguments& args) {
  restore_words words;
  words.file = args.file;
  MCPSTATE_TRY(owners, parse_owners(args.owners));
  auto& request = words.request;
  request.owners = std::move(owners);
  request.rule = args.replace ? restore_rule::replace : restore_rule::newer;
  request.dry_run = args.dry_run;
  request.look_first = args.resume;
  if (args.expiry == "absolute") request.expiry = transfer::restored_expiry::absolute;
  if (args.replace && args.resume)
    return error(errc::bad_argument, "--resume skips what is there, and --replace writes over it: say one of them");
  if (words.file == "-" && ::isatty(STDIN_FILENO) == 1)
    return error(errc::bad_argument, "standard input is a terminal: name a FILE, or redirect it");
  command out([words = std::move(words)](context& ctx) { return run_restore(ctx, words); });
  out.only_reads = args.dry_run;
  return out;
}

}  // namespace mcpstate::cli
