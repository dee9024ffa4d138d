// SPDX-License-Identifier: MIT
#include "cli/reach/reaching.hh"

#include "cli/view/text.hh"
#include "cli/words/input.hh"

namespace mcpstate::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto verdict_lasts = std::chrono::hours(24);  // of era_memory, too
constexpr std::size_t dropped_shown = 5;

error wrong(std::string why) { return error(errc::bad_argument, std::move(why)); }

result<std::vector<std::pair<std::string, std::string>>> headers_of(const arguments& args) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& text : args.headers) {
    auto header = parse_header(text);
    if (!header) return header.error();
    out.push_back(std::move(*header));
  }
  return out;
}

result<mcp::stdio_target> program_of(const arguments& args) {
  if (!args.headers.empty()) return wrong("--header is for a URL, not for a command after --");
  mcp::stdio_target out;
  out.command = args.program;
  out.cwd = args.cwd;
  for (const auto& text : args.env) {
    auto variable = parse_variable(text);
    if (!variable) return variable.error();
    out.env.push_back(std::move(*variable));
  }
  return out;
}

bool is_http(const std::string& transport) { return transport == "http" || transport == "sse"; }

// The verdict of the record's last connection; absent if it says none.
std::optional<mcp::era> era_of(const details& info) {
  if (info.protocol_version.empty()) return std::nullopt;
  if (info.transport == "sse") return mcp::era::sse;
  return info.protocol_version >= "2026-07-28" ? mcp::era::modern : mcp::era::legacy;  // dates compare as text
}

bool is_same_server(const mcp::target& where, const details& info) {
  const auto* there = std::get_if<mcp::http_target>(&where);
  if (there == nullptr) return info.transport == "stdio";
  const auto shown = mcp::shown_url(there->url);
  return is_http(info.transport) && shown && *shown == info.url;
}

}  // namespace

result<mcp::target> target_of(const arguments& args) {
  if (args.url.has_value() == !args.program.empty()) {
    return wrong(args.url ? "give a URL or a command after --, not both"
                          : "give a URL, or a command after -- (see mcpstate " + args.command + " --help)");
  }
  if (!args.url) {
    auto program = program_of(args);
    if (!program) return program.error();
    return mcp::target(std::move(*program));
  }
  if (!args.env.empty() || !args.cwd.empty()) return wrong("--env and --cwd are for a command after --, not for a URL");
  const auto sound = mcp::shown_url(*args.url);
  if (!sound) return sound.error();
  auto headers = headers_of(args);
  if (!headers) return headers.error();
  mcp::http_target there;
  there.url = *args.url;
  there.headers = std::move(*headers);
  return mcp::target(std::move(there));
}

result<mcp::client_options> client_options_of(const arguments& args) {
  mcp::client_options out;
  out.client_version = version_text();
  out.ca_file = args.global.ca_file;
  if (args.protocol.empty()) return out;
  const auto protocol = mcp::parse_era_choice(args.protocol);
  if (!protocol) return wrong("--protocol " + shown(args.protocol) + " is none of auto, modern, legacy, sse");
  out.protocol = *protocol;
  return out;
}

result<record_words> record_words_of(const arguments& args) {
  record_words out;
  auto options = client_options_of(args);
  if (!options) return options.error();
  out.options = std::move(*options);
  if (!args.program.empty()) {
    auto program = program_of(args);
    if (!program) return program.error();
    out.program = std::move(*program);
    return out;
  }
  if (!args.env.empty() || !args.cwd.empty()) return wrong("--env and --cwd are for a command after --");
  auto headers = headers_of(args);
  if (!headers) return headers.error();
  out.headers = std::move(*headers);
  return out;
}

result<mcp::target> target_of(const connection& record, const record_words& words) {
  const std::string name = record.whose.text() + " " + record.server;
  if (record.state == status::disconnected) {
    return error(errc::no_record, name + " is DISCONNECTED; mcpstate connect opens it again");
  }
  const bool has_url = is_http(record.info.transport) && !record.info.url.empty();
  if (has_url && words.program) return wrong(name + " is reached at " + record.info.url + ": leave the command out");
  if (has_url) {
    mcp::http_target there;
    there.url = record.info.url;
    there.headers = words.headers;
    return mcp::target(std::move(there));
  }
  if (words.program) return mcp::target(*words.program);
  if (record.info.transport == "stdio") {
    return wrong(name + " is a program, and commands are never stored: give it again after --");
  }
  return wrong("the record of " + name + " does not say where the server is: give its command after --");
}

void remember(mcp::client_options& options, const mcp::target& where, const std::optional<connection>& record,
              timestamp now) {
  if (!record || !is_same_server(where, record->info)) return;
  const auto spoke = era_of(record->info);
  const auto found_out = record->info.checked_at ? record->info.checked_at : record->connected_at;
  if (!spoke || !found_out || now - *found_out >= verdict_lasts) return;
  // Only the name says that it is the same program; what began with the wrong protocol there might not get an answer.
  if (*spoke == mcp::era::modern && std::holds_alternative<mcp::stdio_target>(where)) return;
  options.eras = std::make_shared<mcp::era_memory>();
  options.eras->keep(mcp::era_key(where), *spoke, mcp::era_memory::clock::now());
}

status_line::status_line(context& ctx, std::string text)
    : screen_(ctx.screen), text_(std::move(text)), group_(ctx.executor) {
  group_.spawn("status line", run());
}

void status_line::say(std::string text) {
  text_ = std::move(text);
  if (shown_) show();
}

void status_line::hold(bool on) {
  held_ = on;
  if (on) screen_.progress({});
}

void status_line::show() {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin_);
  if (!held_) screen_.progress(text_ + " " + std::to_string(seconds.count()) + " s");
}

asio::awaitable<void> status_line::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (int second = 1;; ++second) {
    const bool going = co_await aio::wait_until(begin_ + second * 1s);
    if (!going) break;
    shown_ = true;
    show();
  }
}

asio::awaitable<void> status_line::stop() {
  co_await group_.stop();
  shown_ = false;
  screen_.progress({});
}

namespace {

task<opened_server> open_server(context& ctx, mcp::target where, mcp::client_options options) {
  const auto limit = options.request_timeout;
  auto connecting = mcp::connect(ctx.executor, std::move(where), std::move(options));
  auto connected = co_await std::move(connecting);
  if (!connected) co_return connected.error();
  opened_server out;
  out.client = std::move(*connected);
  out.facts = out.client->facts();
  // All pages together: whoever waits for a list does not care how many it comes in. One that does not come at all has an
  // error of its own, which says more.
  auto listing = aio::with_deadline(out.client->list_tools(), aio::after(limit + 200ms),
                                    "the server did not list its tools within " + duration_text(limit));
  auto listed = co_await std::move(listing);
  if (!listed) {
    co_await out.client->close();
    co_return listed.error();
  }
  out.listing = std::move(*listed);
  co_return out;
}

}  // namespace

task<opened_server> open_and_list(context& ctx, mcp::target where, mcp::client_options options, std::string name) {
  status_line line(ctx, "connecting to " + name + "…");
  auto opening = open_server(ctx, std::move(where), std::move(options));
  auto opened = co_await std::move(opening);
  co_await line.stop();
  co_return opened;
}

void note_facts(details& info, const mcp::server_facts& facts) {
  info.transport = facts.transport;
  info.protocol_version = facts.protocol_version;
  info.server_title = facts.title;
  info.server_version = facts.version;
  info.capabilities = facts.capabilities;
  info.error.reset();
}

const char* advice_about_server(errc code) noexcept {
  switch (code) {
    case errc::resolve_failed:
    case errc::connect_failed:
      return "is the server running, and is the URL right?";
    case errc::auth_failed:
      return "give what the server wants to see with --header";
    case errc::deadline:
      return "--timeout waits longer";
    case errc::tls_failed:
      return "is it http:// there? --ca-file names a private authority";
    case errc::protocol:
    case errc::http_status:
      return "is this the URL or the command of an MCP server?";
    default:
      return nullptr;
  }
}

std::string line_of_failure(const std::string& what, const error& why) {
  std::string out = what + " failed: " + why.detail();
  const char* what_to_do = advice_about_server(why.code());
  const bool said = why.detail().find_first_of(";?") != std::string::npos;
  if (what_to_do != nullptr && !said) out.append("; ").append(what_to_do);
  if (!why.peer_text().empty()) out += " (it says: " + cut_to_width(shown(why.peer_text()), max_said_bytes) + ")";
  return out;
}

void note_dropped(terminal& screen, const std::vector<std::string>& dropped) {
  if (dropped.empty()) return;
  std::string line = counted(dropped.size(), "tool") + " left out: ";
  for (std::size_t i = 0; i < dropped.size() && i < dropped_shown; ++i) line += (i == 0 ? "" : "; ") + dropped[i];
  screen.note(dropped.size() > dropped_shown ? line + "; …" : line);
}

}  // namespace mcpstate::cli
