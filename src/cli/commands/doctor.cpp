// SPDX-License-Identifier: MIT
#include <algorithm>

#include "cli/commands/commands.hh"
#include "cli/commands/serve_options.hh"
#include "cli/view/error_text.hh"
#include "cli/view/json.hh"
#include "cli/view/text.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

using level = finding::level;

// Words, not only marks: colours and signs are lost in a log.
struct level_look {
  const char* name;
  const char* mark;
  tone look;
};

const level_look& look_of(level l) noexcept {
  static constexpr level_look looks[] = {{"ok", "✓ ok      ", tone::good},
                                         {"repaired", "✓ repaired", tone::good},
                                         {"note", "· note    ", tone::dim},
                                         {"warning", "! warning ", tone::warn},
                                         {"problem", "✗ problem ", tone::bad}};
  return looks[static_cast<std::size_t>(l)];
}

std::size_t count_of(const std::vector<finding>& all, level l) {
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [l](const finding& f) { return f.severity == l; }));
}

std::string findings_text(const std::vector<finding>& all, bool colour) {
  std::size_t width = 0;
  for (const auto& f : all) width = std::max(width, f.check.size());
  std::string out;
  for (const auto& f : all) {
    const auto& look = look_of(f.severity);
    out += painted(look.mark, look.look, colour) + "  " + f.check + std::string(width - f.check.size() + 2, ' ') +
           printable(f.text);
    if (f.count > 0) out += painted(" (" + std::to_string(f.count) + ")", tone::dim, colour);
    out += "\n";
    for (const auto& example : f.examples)
      out += std::string(width + 14, ' ') + painted(printable(example), tone::dim, colour) + "\n";
  }
  const auto problems = count_of(all, level::problem);
  const auto warnings = count_of(all, level::warning);
  const auto repaired = count_of(all, level::repaired);
  const auto summary = counted(problems, "problem") + ", " + counted(warnings, "warning") +
                       (repaired > 0 ? ", " + std::to_string(repaired) + " repaired" : "");
  return out + painted(summary, problems > 0 ? tone::bad : warnings > 0 ? tone::warn : tone::good, colour) + "\n";
}

std::string finding_json(const finding& f) {
  return object_writer()
      .text("level", look_of(f.severity).name)
      .text("check", f.check)
      .text("text", f.text)
      .number("count", f.count)
      .raw("examples", json_array(f.examples))
      .str();
}

std::string findings_json(const std::vector<finding>& all, const std::string& store) {
  return object_writer()
      .text("store", store)
      .number("problems", count_of(all, level::problem))
      .number("warnings", count_of(all, level::warning))
      .number("repaired", count_of(all, level::repaired))
      .raw("findings", json_lines(all, finding_json))
      .str();
}

finding reachable(level l, std::string text) {
  finding out;
  out.severity = l;
  out.check = "reachable";
  out.text = std::move(text);
  return out;
}

void print_findings(context& ctx, const std::vector<finding>& all, const std::string& store) {
  ctx.screen.write(ctx.screen.json() ? findings_json(all, store) + "\n" : findings_text(all, ctx.screen.colour()));
}

// What keeps us from looking says nothing of whether the store can be reached: a full queue of our own, say.
int print_unreachable(context& ctx, const error& cause) {
  finding why = reachable(level::problem, store_error_text(cause));
  if (cause.is(cond::exhausted) || cause.is(cond::corrupt) || cause.is(cond::internal)) why.check = "examination";
  const std::vector<finding> only(1, std::move(why));
  print_findings(ctx, only, {});
  return exit_code_of(cause, error_source::store);
}

finding about_servers(level l, std::string check, std::string text) {
  finding out;
  out.severity = l;
  out.check = std::move(check);
  out.text = std::move(text);
  return out;
}

// What the servers file makes owners share, and what is wrong in it.
std::vector<finding> examine_servers(const server_registry& servers) {
  std::vector<finding> out;
  if (auto shared = shared_programs_text(servers); !shared.empty())
    out.push_back(about_servers(level::note, "shared_programs", std::move(shared)));
  for (const auto& [name, one] : servers.all()) {
    if (!one.fault.empty()) out.push_back(about_servers(level::warning, "servers_file", one.fault));
  }
  return out;
}

asio::awaitable<int> examine_store(context& ctx, bool fix, std::vector<finding> of_servers) {
  progress_handler progress = [&screen = ctx.screen](std::uint64_t done, std::string_view unit) {
    screen.progress("checking… " + std::to_string(done) + " " + std::string(unit));
  };
  auto found = co_await ctx.store->examine(fix, std::move(progress));
  if (!found) {
    if (ctx.stopping) co_return exit_code::no;
    co_return print_unreachable(ctx, found.error());
  }
  auto all = std::move(*found);
  const bool has_reachable = std::any_of(all.begin(), all.end(), [](const finding& f) { return f.check == "reachable"; });
  if (!has_reachable) all.insert(all.begin(), reachable(level::ok, ctx.store->description()));
  all.insert(all.end(), of_servers.begin(), of_servers.end());
  print_findings(ctx, all, ctx.store->description());
  co_return count_of(all, level::problem) > 0 ? exit_code::no : exit_code::done;
}

}  // namespace

result<command> make_doctor(const arguments& args) {
  const auto env = process_environment();
  const auto path = flag_or_variable(args.serve.servers_file, "MCPSTATE_SERVERS", env);
  std::vector<finding> of_servers;
  if (!path.empty()) {
    const auto servers = read_servers(path, env);
    if (!servers) return servers.error();
    of_servers = examine_servers(**servers);
  }
  command out(
      [fix = args.fix, of_servers = std::move(of_servers)](context& ctx) { return examine_store(ctx, fix, of_servers); });
  out.without_store = print_unreachable;
  return out;
}

}  // namespace mcpstate::cli
