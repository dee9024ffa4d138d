// SPDX-License-Identifier: MIT
// What is wrong with servers, in the field: each rule is about one thing that people have had to find out the hard way.
#include <algorithm>
#include <array>

#include "cli/view/probe_report.hh"
#include "cli/view/text.hh"
#include "cli/view/tools_view.hh"
#include "core/json/slice.hh"

namespace mcpstate::cli {

namespace {

using namespace std::chrono_literals;
using level = advice::level;

constexpr auto slow_answer = 5s;           // many hosts wait 10 s for the whole handshake
constexpr auto slow_end = 2500ms;          // of stdin, before SIGTERM
constexpr std::size_t long_name = 64;      // the limit of some model interfaces
constexpr std::size_t longest_name = 128;  // of the protocol
constexpr std::size_t long_description = 4096;
constexpr std::size_t long_list = 64 * 1024;
constexpr std::size_t bytes_per_token = 4;  // about
constexpr std::size_t named_at_most = 5;

class adviser {
 public:
  explicit adviser(const probe_report& report) : report_(report) {}

  std::vector<advice> all() {
    if (report_.why) about_failure();
    about_steps();
    if (report_.connected) about_server();
    if (report_.works()) about_tools();
    std::stable_sort(found_.begin(), found_.end(), [](const advice& a, const advice& b) { return a.severity > b.severity; });
    return std::move(found_);
  }

 private:
  void say(level how_bad, const char* about, std::string text) { found_.emplace_back(how_bad, about, std::move(text)); }

  const mcp::connect_step* last(std::string_view what) const {
    const auto found = std::find_if(report_.steps.rbegin(), report_.steps.rend(),
                                    [&](const mcp::connect_step& s) { return s.what == what; });
    return found == report_.steps.rend() ? nullptr : &*found;
  }
  // The status that ended it: a POST says more than the GET that was tried after it.
  const mcp::connect_step* refusal() const {
    for (const char* what : {"initialize", "server/discover", "GET (event stream)"}) {
      const auto* step = last(what);
      if (step != nullptr && !step->ok && step->http_status != 0) return step;
    }
    return nullptr;
  }

  // probe_advice: why it failed
  void about_failure();
  void about_status(const mcp::connect_step& step);
  void about_place(const mcp::connect_step& step);
  void about_program();
  bool about_network();
  void about_redirect(const std::string& to);
  bool about_endpoint();
  // what its steps tell
  void about_steps();
  void about_probing();
  void about_streams();
  // what it said about itself
  void about_server();
  void about_tools();
  void about_names(const std::vector<tool_fact>& tools);
  void about_schemas(const std::vector<tool_fact>& tools);
  void about_sizes(const std::vector<tool_fact>& tools);

  const probe_report& report_;
  std::vector<advice> found_;
};

std::string names_of(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < named_at_most; ++i) {
    out += (i == 0 ? "" : ", ") + shown(cut_to_width(names[i], 70));
  }
  if (names.size() > named_at_most) out += " and " + std::to_string(names.size() - named_at_most) + " more";
  return out;
}

template <class Condition>
std::vector<std::string> names_where(const std::vector<tool_fact>& tools, Condition is) {
  std::vector<std::string> out;
  for (const auto& tool : tools) {
    if (is(tool)) out.push_back(tool.name);
  }
  return out;
}

bool is_plain_name(const std::string& name) {
  const auto ok = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= longest_name && std::all_of(name.begin(), name.end(), ok);
}

bool is_loopback(const std::string& url) {
  const auto begin = url.find("://");
  const std::string rest = begin == std::string::npos ? url : url.substr(begin + 3);
  return rest.starts_with("localhost") || rest.starts_with("127.") || rest.starts_with("[::1]");
}

std::string seconds_of(std::chrono::microseconds took) {
  return std::to_string(std::chrono::round<std::chrono::seconds>(took).count()) + " s";
}

bool ends_with_mcp(const std::string& url) { return url.ends_with("/mcp") || url.ends_with("/mcp/"); }

void adviser::about_failure() {
  const error& why = *report_.why;
  if (report_.protocol != mcp::era_choice::automatic && !report_.connected) {
    say(level::note, "protocol_forced", "a protocol was said with --protocol: without it, every way is tried");
  }
  if (report_.connected) {
    say(level::problem, "list_failed",
        "connecting works, and listing the tools does not: hosts will show this server without tools, or as broken");
    return;
  }
  if (why.code() == errc::unsupported) {
    say(level::problem, "version", "it speaks no revision that is published: is its library older, or newer, than that?");
    return;
  }
  if (!report_.over_http) return about_program();
  if (about_network()) return;
  if (about_endpoint()) return;
  if (const auto* step = refusal()) return about_status(*step);
  if (why.code() == errc::http_status) {
    say(level::problem, "redirect", "it redirects in a circle: a slash at the end of the path is often what it wants");
  } else if (why.code() == errc::rpc_error) {
    say(level::problem, "refused", "it speaks MCP, and refuses to begin: its own words say why");
  } else if (why.code() == errc::deadline) {
    say(level::problem, "silent", "it takes the connection and does not answer: --timeout waits longer");
  }
}

bool adviser::about_network() {
  switch (report_.why->code()) {
    case errc::resolve_failed:
      say(level::problem, "unreachable", "the host name is not known here: is it right, and does a VPN have to be on?");
      return true;
    case errc::connect_failed:
      say(level::problem, "unreachable",
          "nobody listens there: is the server running, on this port, and on this address (localhost may be ::1)?");
      return true;
    case errc::tls_failed:
      say(level::problem, "tls",
          "the certificate does not hold, or the port speaks no TLS: is it http:// there? --ca-file names a private "
          "authority");
      return true;
    case errc::forbidden_target:
      if (!about_endpoint()) about_redirect(report_.why->peer_text());
      return true;
    case errc::connection_lost:
      say(level::problem, "hangs_up", "it closes the connection without an answer: is this the port of the MCP server?");
      return true;
    default:
      return false;
  }
}

void adviser::about_redirect(const std::string& to) {
  const bool weaker = report_.where.starts_with("https://") && to.starts_with("http://");
  say(level::problem, "redirect",
      weaker
          ? "it redirects from https to http, where credentials would travel in the clear: its proxy must say "
            "X-Forwarded-Proto, or the server must know its own URL"
          : "it redirects elsewhere, which is not followed, so that credentials go to no other server: use the final URL");
}

// HTTP+SSE: where the messages are to be posted.
bool adviser::about_endpoint() {
  const auto* stream = last("GET (event stream)");
  if (stream == nullptr || stream->failure != errc::forbidden_target) return false;
  say(level::problem, "foreign_endpoint",
      "its event stream names another server for the messages, which is not followed: behind a proxy, a server must know "
      "the "
      "URL that it has outside");
  return true;
}

void adviser::about_status(const mcp::connect_step& step) {
  const unsigned status = step.http_status;
  const std::string code = "HTTP " + std::to_string(status);
  if (status == 401) {
    say(level::problem, "credentials",
        report_.has_headers ? "it refuses the credentials given (401): has the token expired, and is it for this server?"
                            : "it wants credentials (401): give them with --header 'Authorization: Bearer …'");
  } else if (status == 403) {
    say(level::problem, "forbidden",
        "it forbids access (403): the credentials lack a right, or it takes only certain names in the URL (one that was "
        "started for localhost refuses 127.0.0.1)");
  } else if (status == 406) {
    say(level::problem, "accept_header",
        "406 although both application/json and text/event-stream were accepted: a proxy in between rewrites Accept");
  } else if (status == 415) {
    say(level::problem, "content_type_header",
        "415 although the content type was application/json: a proxy in between rewrites Content-Type");
  } else if (status >= 300 && status < 400) {
    about_redirect(step.peer);
  } else if (status == 429 || status == 503) {
    say(level::problem, "busy", code + ": it cannot serve now; try again later");
  } else if (status >= 500) {
    say(level::problem, "server_error", code + ": the server itself, or the proxy before it, is broken; its log says why");
  } else {
    about_place(step);
  }
}

void adviser::about_place(const mcp::connect_step& step) {
  const bool page = step.content_type == "text/html" || step.content_type == "text/plain" || step.content_type.empty();
  if (step.rpc_error != 0) {
    say(level::problem, "refused", "it speaks JSON-RPC, and refuses to begin: its own words say why");
  } else if (page || step.http_status == 404 || step.http_status == 405) {
    const std::string hint = ends_with_mcp(report_.where)
                                 ? "the path is often /mcp, and is so here: is a prefix missing, or "
                                   "is the server another one?"
                                 : "the path of most servers is /mcp, and /sse of older ones";
    say(level::problem, "wrong_path", "nothing of MCP is at this URL: " + hint);
  } else {
    say(level::problem, "not_mcp", "what answers there is no MCP server");
  }
}

void adviser::about_program() {
  switch (report_.why->code()) {
    case errc::spawn_failed:
      say(level::problem, "not_started", "the program cannot be started: is it installed, and in PATH?");
      break;
    case errc::spawn_refused:
      say(level::problem, "not_started", "the system does not start the program now: it has reached a limit");
      break;
    case errc::child_exited:
    case errc::connection_lost:
      say(level::problem, "crashed",
          "the program ends by itself, and the end of its standard error says why; it sees only a few variables of the "
          "environment: --env gives it more");
      break;
    case errc::deadline:
      say(level::problem, "silent",
          "the program runs and does not answer: some speak MCP on their standard streams only when told to (stdio, "
          "--stdio); "
          "--timeout waits longer");
      break;
    case errc::rpc_error:
      say(level::problem, "refused", "it speaks JSON-RPC, and refuses to begin: its own words say why");
      break;
    default:
      say(level::problem, "not_mcp", "what the program writes to its standard output is no MCP");
      break;
  }
}

void adviser::about_steps() {
  if (report_.oddities > 0) {
    say(level::warning, "stdout_text",
        counted(report_.oddities, "line") + " on standard output that " + (report_.oddities == 1 ? "is" : "are") +
            " no message: hosts may end the connection for that; log to standard error. The first: " +
            shown(cut_to_width(report_.first_oddity, 80)));
  }
  about_probing();
  about_streams();
  for (const char* what : {"server/discover", "initialize", "tools/list"}) {
    const auto* step = last(what);
    if (step == nullptr || !step->ok || step->took < slow_answer) continue;
    const std::string start = report_.over_http ? "" : "; a program that npx or uvx has to fetch first is better installed";
    say(level::warning, "slow",
        std::string(what) + " took " + seconds_of(step->took) + ": hosts give up after 10 to 60 s" + start);
  }
  const auto* close = last("close");
  if (close != nullptr && !report_.over_http && close->took > slow_end) {
    say(level::warning, "does_not_end",
        "it goes on after the end of its standard input, and had to be stopped by a signal: hosts that do not will leave it "
        "behind");
  }
}

// What it does when asked for the newest protocol, which it need not know.
void adviser::about_probing() {
  const auto* probe = last("server/discover");
  const auto* initialize = last("initialize");
  if (probe == nullptr || probe->ok || initialize == nullptr || !initialize->ok) return;
  if (report_.over_http || probe->rpc_error != 0) return;
  say(level::warning, "probe_unanswered",
      "asked server/discover, it ends or stays silent (" + seconds_of(probe->took) +
          "), and had to be started again: it should answer requests that it does not know with error -32601");
}

void adviser::about_streams() {
  const auto* stream = last("GET (announcements)");
  if (stream != nullptr && !stream->ok) {
    say(level::note, "no_stream",
        "it declares listChanged and opens no stream to announce changes on: hosts learn of new tools when they list again");
  }
  const auto* listening = last("subscriptions/listen");
  if (listening != nullptr && !listening->ok) {
    say(level::warning, "no_subscription",
        "it declares listChanged and does not take the subscription: hosts learn of new tools when they list again");
  }
}

void adviser::about_server() {
  const auto& facts = report_.facts;
  if (facts.transport == "sse") {
    say(level::warning, "old_transport",
        "HTTP+SSE is the transport of 2024-11-05, which newer hosts no longer speak: offer Streamable HTTP beside it");
  }
  if (facts.protocol_era != mcp::era::modern) {
    say(level::note, "old_revision",
        "it speaks " + facts.protocol_version + ", not yet 2026-07-28: hosts of both work with it");
  }
  if (facts.title.empty()) say(level::note, "nameless", "it does not say what it is (serverInfo.name)");
  if (!facts.has_tools) say(level::note, "no_tools", "it declares no tools");
  if (report_.over_http && report_.has_headers && report_.where.starts_with("http://") && !is_loopback(report_.where)) {
    say(level::warning, "unencrypted", "the headers travel unencrypted: use https");
  }
}

void adviser::about_tools() {
  const auto tools = facts_of(report_.listing.tools);
  if (report_.facts.has_tools && tools.empty()) {
    say(level::warning, "no_tools", "it declares tools and lists none: does it want a setting, a token, or a capability?");
  }
  if (!report_.listing.dropped.empty()) {
    say(level::warning, "dropped_tools",
        counted(report_.listing.dropped.size(), "tool") + " cannot be offered: " + names_of(report_.listing.dropped));
  }
  about_names(tools);
  about_schemas(tools);
  about_sizes(tools);
}

void adviser::about_names(const std::vector<tool_fact>& tools) {
  const auto odd = names_where(tools, [](const tool_fact& t) { return !is_plain_name(t.name); });
  if (!odd.empty()) {
    say(level::warning, "tool_names",
        "names of tools are 1 to 128 letters, digits, _, - or ., and many hosts refuse others: " + names_of(odd));
  }
  const auto lengthy =
      names_where(tools, [](const tool_fact& t) { return is_plain_name(t.name) && t.name.size() > long_name; });
  if (!lengthy.empty()) {
    say(level::note, "long_names", "names of more than 64 characters, which some models refuse: " + names_of(lengthy));
  }
  const auto silent = names_where(tools, [](const tool_fact& t) { return t.description_bytes == 0; });
  if (!silent.empty()) {
    say(level::note, "no_description", "without a description, a model has to guess: " + names_of(silent));
  }
}

void adviser::about_schemas(const std::vector<tool_fact>& tools) {
  const auto without = names_where(tools, [](const tool_fact& t) { return !t.has_schema; });
  if (!without.empty()) {
    say(level::warning, "input_schema", "inputSchema must be an object of type object: " + names_of(without));
  }
  const auto elsewhere = names_where(tools, [](const tool_fact& t) { return t.refers_elsewhere; });
  if (!elsewhere.empty()) {
    say(level::warning, "network_ref",
        "a $ref to another host is never fetched, so the schema is incomplete: " + names_of(elsewhere));
  }
  // Over HTTP in 2026-07-28 they were left out already.
  const auto headers = names_where(tools, [](const tool_fact& t) { return !t.bad_header.empty(); });
  if (!headers.empty()) {
    say(level::warning, "header_annotations",
        "an x-mcp-header that cannot be used; clients of 2026-07-28 leave the tool out over HTTP: " + names_of(headers));
  }
}

void adviser::about_sizes(const std::vector<tool_fact>& tools) {
  const auto wordy = names_where(tools, [](const tool_fact& t) { return t.description_bytes > long_description; });
  if (!wordy.empty()) {
    say(level::note, "long_descriptions", "descriptions of more than 4 KB, which hosts may cut: " + names_of(wordy));
  }
  const std::size_t bytes = report_.listing.tools.bytes().size();
  if (bytes > long_list) {
    say(level::note, "large_list",
        "its tools take " + bytes_text(bytes) + ", about " + std::to_string(bytes / bytes_per_token / 1000) +
            "000 tokens of every conversation they are part of");
  }
}

}  // namespace

std::string_view name_of(advice::level severity) noexcept {
  constexpr std::array<std::string_view, 3> names{"note", "warning", "problem"};
  return names.at(static_cast<std::size_t>(severity));
}

std::vector<advice> advise(const probe_report& report) { return adviser(report).all(); }

}  // namespace mcpstate::cli
