// SPDX-License-Identifier: MIT
#include <sys/resource.h>

#include <algorithm>

#include "cli/commands/commands.hh"
#include "cli/commands/serve_options.hh"
#include "cli/view/doctor_advice.hh"
#include "cli/view/error_text.hh"
#include "cli/view/json.hh"
#include "cli/view/text.hh"
#include "core/text/printable.hh"
#include "store/redis_acl.hh"

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

bool is_wrong(const finding& f) noexcept { return f.severity == level::problem || f.severity == level::warning; }

// The findings of a section stand together.
void sort_by_section(std::vector<finding>& all) {
  const auto place = [](const finding& f) {
    return std::find(doctor_sections.begin(), doctor_sections.end(), advice_about(f.check).section);
  };
  std::stable_sort(all.begin(), all.end(), [&](const finding& a, const finding& b) { return place(a) < place(b); });
}

std::string finding_text(const finding& f, std::size_t width, bool colour) {
  const auto& look = look_of(f.severity);
  std::string out = painted(look.mark, look.look, colour) + "  " + f.check + std::string(width - f.check.size() + 2, ' ') +
                    printable(f.text);
  if (f.count > 0) out += painted(" (" + std::to_string(f.count) + ")", tone::dim, colour);
  out += "\n";
  const auto add_line = [&](const std::string& text) {
    out += std::string(width + 14, ' ') + painted(text, tone::dim, colour) + "\n";
  };
  for (const auto& example : f.examples) add_line(printable(example));
  if (!is_wrong(f)) return out;
  const auto& advice = advice_about(f.check);
  if (!advice.meaning.empty()) add_line(std::string(advice.meaning));
  if (!advice.command.empty()) add_line("$ " + std::string(advice.command));
  return out;
}

std::string findings_text(const std::vector<finding>& all, bool colour) {
  std::size_t width = 0;
  for (const auto& f : all) width = std::max(width, f.check.size());
  std::string out;
  std::string_view section;
  for (const auto& f : all) {
    if (const auto now = advice_about(f.check).section; now != section) {
      section = now;
      out += painted(std::string(section), tone::dim, colour) + "\n";
    }
    out += finding_text(f, width, colour);
  }
  const auto problems = count_of(all, level::problem);
  const auto warnings = count_of(all, level::warning);
  const auto repaired = count_of(all, level::repaired);
  const auto summary = counted(problems, "problem") + ", " + counted(warnings, "warning") +
                       (repaired > 0 ? ", " + std::to_string(repaired) + " repaired" : "");
  return out + painted(summary, problems > 0 ? tone::bad : warnings > 0 ? tone::warn : tone::good, colour) + "\n";
}

std::string finding_json(const finding& f) {
  const auto& advice = advice_about(f.check);
  object_writer out;
  out.text("level", look_of(f.severity).name).text("check", f.check).text("section", std::string(advice.section));
  out.text("text", f.text).number("count", f.count).raw("examples", json_array(f.examples));
  if (!advice.meaning.empty()) out.text("meaning", std::string(advice.meaning));
  if (is_wrong(f) && !advice.command.empty()) out.text("fix", std::string(advice.command));
  return out.str();
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

// Refused and not answered are told apart, because the one is mended on the server and the other on the way to it.
std::string unreachable_text(const error& cause) {
  const auto text = store_error_text(cause);
  if (cause.code() == errc::deadline)
    return text + ". Nothing came back: the machine is down, or a firewall drops what is sent there";
  const bool refused = cause.code() == errc::connect_failed && cause.detail().find("refused") != std::string::npos;
  return refused ? text + ". The machine answers: nothing listens on that port" : text;
}

// What keeps us from looking says nothing of whether the store can be reached: a full queue of our own, say.
int print_unreachable(context& ctx, const error& cause) {
  finding why = reachable(level::problem, unreachable_text(cause));
  if (cause.is(cond::exhausted) || cause.is(cond::corrupt) || cause.is(cond::internal)) why.check = "examination";
  const std::vector<finding> only(1, std::move(why));
  print_findings(ctx, only, {});
  return exit_code_of(cause, error_source::store);
}

// How many files and sockets a process of this user may have open. serve takes one for each client.
finding examine_open_files() {
  constexpr rlim_t few = 1024;
  rlimit limit{};
  finding out;
  out.check = "open_files";
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return out;
  const bool low = limit.rlim_cur < few;
  out.severity = low ? level::warning : level::ok;
  out.text = "a process may have " + (limit.rlim_cur == RLIM_INFINITY ? "any number of" : std::to_string(limit.rlim_cur)) +
             " files open" + (low ? ": few for a service" : "");
  return out;
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

// "'~mcp:*' resetchannels \\\n  +ping …", in lines that are not too long.
std::string shell_words(const std::vector<std::string>& rules) {
  constexpr std::size_t width = 100;
  std::string out;
  std::size_t column = width;
  for (const auto& rule : rules) {
    const bool plain = rule.find_first_of("~*|&#<>'") == std::string::npos;
    const auto word = plain ? rule : "'" + rule + "'";
    const bool fits = column + word.size() < width;
    out += fits ? " " + word : " \\\n  " + word;
    column = (fits ? column : 2) + word.size() + 1;
  }
  return out;
}

std::string acl_text(const acl_rules& rules, store_url::topology servers, bool durable) {
  const bool cluster = servers == store_url::topology::cluster, sentinel = servers == store_url::topology::sentinel;
  const std::string begin = "redis-cli ACL SETUSER mcpstate reset on '>PASSWORD'";
  std::string out = "# The least rights that work" +
                    std::string(cluster    ? ", for each node"
                                : sentinel ? ", for the primary and each replica"
                                           : "") +
                    ". Put a long random password for PASSWORD.\n" + begin + shell_words(rules.server) + "\n";
  if (durable)
    out += "# Where the server knows WAITAOF (Redis 7.2 and later, Valkey) and has appendonly yes: +waitaof, too.\n";
  if (sentinel) out += "# For each Sentinel, with a password of its own.\n" + begin + shell_words(rules.sentinel) + "\n";
  return out + "# It lasts with: redis-cli CONFIG REWRITE, or ACL SAVE where the server has an aclfile\n";
}

// Without opening the store: its present user may lack what is printed.
asio::awaitable<int> print_acl(context& ctx) {
  const auto url = parse_store_url(ctx.config.url);
  if (!url) co_return ctx.fail(url.error(), error_source::input);
  if (url->type != store_url::kind::redis) {
    const error no_redis(errc::bad_argument, "doctor --acl is about Redis; name the server with --store or REDIS_URL");
    co_return ctx.fail(no_redis, error_source::input);
  }
  const auto rules = least_rules(url->servers, ctx.config.options.durable.has_value(), ctx.config.options.prefix);
  if (!ctx.screen.json()) {
    ctx.screen.write(acl_text(rules, url->servers, ctx.config.options.durable.has_value()));
    co_return exit_code::done;
  }
  object_writer out;
  out.raw("rules", json_array(rules.server));
  if (!rules.sentinel.empty()) out.raw("sentinel_rules", json_array(rules.sentinel));
  ctx.screen.line(out.str());
  co_return exit_code::done;
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
  all.push_back(examine_open_files());
  all.insert(all.end(), of_servers.begin(), of_servers.end());
  sort_by_section(all);
  print_findings(ctx, all, ctx.store->description());
  co_return count_of(all, level::problem) > 0 ? exit_code::no : exit_code::done;
}

}  // namespace

result<command> make_doctor(const arguments& args) {
  if (args.acl && args.fix) return error(errc::bad_argument, "give doctor --fix or --acl, not both");
  if (args.acl) {
    command acl(print_acl);
    acl.opens_store = true;
    return acl;
  }
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
