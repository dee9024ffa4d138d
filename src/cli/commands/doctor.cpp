// SPDX-License-Identifier: MIT
#include <algorithm>

#include "cli/commands/table.hh"
#include "cli/view/text.hh"
#include "core/json/text.hh"

namespace mcpstate::cli {

namespace {

using level = finding::level;

const char* name_of_level(level l) noexcept {
  switch (l) {
    case level::ok:
      return "ok";
    case level::repaired:
      return "repaired";
    case level::note:
      return "note";
    case level::warning:
      return "warning";
    case level::problem:
      return "problem";
  }
  return "?";
}

// Words, not only marks: colours and signs are lost in a log.
std::string mark(level l, bool colour) {
  switch (l) {
    case level::ok:
      return painted("✓ ok      ", tone::good, colour);
    case level::repaired:
      return painted("✓ repaired", tone::good, colour);
    case level::note:
      return painted("· note    ", tone::dim, colour);
    case level::warning:
      return painted("! warning ", tone::warn, colour);
    case level::problem:
      return painted("✗ problem ", tone::bad, colour);
  }
  return {};
}

std::size_t count_of(const std::vector<finding>& all, level l) {
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [l](const finding& f) { return f.severity == l; }));
}

std::string text_of(const std::vector<finding>& all, bool colour) {
  std::size_t width = 0;
  for (const auto& f : all) width = std::max(width, f.check.size());
  std::string out;
  for (const auto& f : all) {
    out += mark(f.severity, colour) + "  " + f.check + std::string(width - f.check.size() + 2, ' ') + shown(f.text);
    if (f.count > 0) out += painted(" (" + std::to_string(f.count) + ")", tone::dim, colour);
    out += "\n";
    for (const auto& example : f.examples)
      out += std::string(width + 14, ' ') + painted(shown(example), tone::dim, colour) + "\n";
  }
  const auto problems = count_of(all, level::problem);
  const auto warnings = count_of(all, level::warning);
  const auto repaired = count_of(all, level::repaired);
  const auto verdict = counted(problems, "problem") + ", " + counted(warnings, "warning") +
                       (repaired > 0 ? ", " + std::to_string(repaired) + " repaired" : "");
  return out + painted(verdict, problems > 0 ? tone::bad : warnings > 0 ? tone::warn : tone::good, colour) + "\n";
}

std::string json_of(const std::vector<finding>& all, const std::string& where) {
  std::string out = "{";
  json_members members(out);
  members.text("store", where);
  members.number("problems", count_of(all, level::problem));
  members.number("warnings", count_of(all, level::warning));
  members.number("repaired", count_of(all, level::repaired));
  std::string list = "[";
  for (const auto& f : all) {
    list += list.size() == 1 ? "\n{" : ",\n{";
    json_members one(list);
    one.text("level", name_of_level(f.severity));
    one.text("check", f.check);
    one.text("text", f.text);
    one.number("count", f.count);
    std::string examples = "[";
    for (const auto& e : f.examples) {
      if (examples.size() > 1) examples += ",";
      append_json_string(examples, e);
    }
    one.raw("examples", examples + "]");
    list += "}";
  }
  members.raw("findings", list + "\n]");
  return out + "}\n";
}

finding reachable(level l, std::string text) {
  finding out;
  out.severity = l;
  out.check = "reachable";
  out.text = std::move(text);
  return out;
}

void print(context& ctx, const std::vector<finding>& all, const std::string& where) {
  ctx.screen.write(ctx.screen.json() ? json_of(all, where) : text_of(all, ctx.screen.colour()));
}

int print_unreachable(context& ctx, const error& why) {
  const std::vector<finding> only(1, reachable(level::problem, line_of(why)));
  print(ctx, only, {});
  return exit_code_of(why, blame::store);
}

asio::awaitable<int> examine(context& ctx, bool fix) {
  progress_handler progress = [&screen = ctx.screen](std::uint64_t done, std::string_view what) {
    screen.progress("checking… " + std::to_string(done) + " " + std::string(what));
  };
  auto found = co_await ctx.store->examine(fix, std::move(progress));
  if (!found) {
    if (ctx.stopping) co_return exits::no;
    co_return print_unreachable(ctx, found.error());
  }
  auto all = std::move(*found);
  const auto said = std::any_of(all.begin(), all.end(), [](const finding& f) { return f.check == "reachable"; });
  if (!said) all.insert(all.begin(), reachable(level::ok, ctx.store->description()));
  print(ctx, all, ctx.store->description());
  co_return count_of(all, level::problem) > 0 ? exits::no : exits::done;
}

}  // namespace

result<command> make_doctor(const arguments& args) {
  command out;
  out.run = [fix = args.fix](context& ctx) { return examine(ctx, fix); };
  out.without_store = print_unreachable;
  return out;
}

}  // namespace mcpstate::cli
