// SPDX-License-Identifier: MIT
#include "cli/view/probe_advice.hh"

#include <algorithm>
#include <array>
#include <iterator>

#include "cli/view/text.hh"
#include "cli/view/tools_view.hh"
#include "core/text/ascii.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

using namespace std::chrono_literals;
using enum advice::level;

constexpr auto slow_answer = 5s;           // many hosts wait 10 s for the whole handshake
constexpr auto slow_end = 2500ms;          // of stdin, before SIGTERM
constexpr std::size_t long_name = 64;      // the limit of some model interfaces
constexpr std::size_t longest_name = 128;  // of the protocol
constexpr std::size_t long_description = 4096;
constexpr std::size_t long_list = 64 * 1024;
constexpr std::size_t bytes_per_token = 4;  // about
constexpr std::size_t max_names_shown = 5;

// A rule: what it says about a report for which it holds.
struct rule {
  bool holds;
  advice::level severity;
  const char* topic;
  std::string text;
};
using rules = std::vector<rule>;

const mcp::connect_step* last_step(const probe_report& report, std::string_view name) {
  const auto found =
      std::find_if(report.steps.rbegin(), report.steps.rend(), [&](const auto& step) { return step.name == name; });
  return found == report.steps.rend() ? nullptr : &*found;
}

bool failed(const mcp::connect_step* step) { return step != nullptr && !step->ok; }

// The HTTP status that ended it: a POST says more than the GET that was tried after it. An empty step when there was none.
mcp::connect_step refusal(const probe_report& report) {
  for (const char* name : {"initialize", "server/discover", "GET (event stream)"}) {
    const auto* step = last_step(report, name);
    if (failed(step) && step->http_status != 0) return *step;
  }
  return {};
}

bool is_loopback(const std::string& url) {
  const auto begin = url.find("://");
  const std::string rest = begin == std::string::npos ? url : url.substr(begin + 3);
  return rest.starts_with("localhost") || rest.starts_with("127.") || rest.starts_with("[::1]");
}

std::string seconds_text(std::chrono::microseconds took) {
  return std::to_string(std::chrono::round<std::chrono::seconds>(took).count()) + " s";
}

// Why connecting failed: the first rule that holds. A server that could not be reached has no status, and a status says more than
// the code of the error.
rules program_failures(errc code) {
  return {
      {code == errc::spawn_failed, problem, "not_started", "the program cannot be started: is it installed, and in PATH?"},
      {code == errc::spawn_refused, problem, "not_started",
       "the system does not start the program now: it has reached a limit"},
      {code == errc::child_exited || code == errc::connection_lost, problem, "crashed",
       "the program ends by itself, and the end of its standard error says why; it sees only a few variables of the environment: "
       "--env gives it more"},
      {code == errc::deadline, problem, "silent",
       "the program runs and does not answer: some speak MCP on their standard streams only when told to (stdio, --stdio); "
       "--timeout waits longer"},
      {code == errc::rpc_error, problem, "refused", "it speaks JSON-RPC, and refuses to begin: its own words say why"},
      {true, problem, "not_mcp", "what the program writes to its standard output is no MCP"},
  };
}

rules redirect_failures(const probe_report& report, bool redirected, const std::string& location) {
  const bool weaker = report.address.starts_with("https://") && location.starts_with("http://");
  return {
      {redirected && weaker, problem, "redirect",
       "it redirects from https to http, where credentials would travel in the clear: its proxy must say X-Forwarded-Proto, or "
       "the server must know its own URL"},
      {redirected, problem, "redirect",
       "it redirects elsewhere, which is not followed, so that credentials go to no other server: use the final URL"},
  };
}

rules network_failures(const probe_report& report, errc code) {
  const auto* stream = last_step(report, "GET (event stream)");
  const bool foreign_endpoint = stream != nullptr && stream->failure == errc::forbidden_target;
  return {
      {code == errc::resolve_failed, problem, "unreachable",
       "the host name is not known here: is it right, and does a VPN have to be on?"},
      {code == errc::connect_failed, problem, "unreachable",
       "nobody listens there: is the server running, on this port, and on this address (localhost may be ::1)?"},
      {code == errc::tls_failed, problem, "tls",
       "the certificate does not hold, or the port speaks no TLS: is it http:// there? --ca-file names a private authority"},
      {code == errc::connection_lost, problem, "hangs_up",
       "it closes the connection without an answer: is this the port of the MCP server?"},
      // HTTP+SSE: where the messages are to be posted.
      {foreign_endpoint, problem, "foreign_endpoint",
       "its event stream names another server for the messages, which is not followed: behind a proxy, a server must know the "
       "URL that it has outside"},
  };
}

rules status_failures(const probe_report& report, const mcp::connect_step& step) {
  const unsigned status = step.http_status;
  const std::string code = "HTTP " + std::to_string(status);
  const bool page = step.content_type == "text/html" || step.content_type == "text/plain" || step.content_type.empty();
  const bool wrong_path = page || status == 404 || status == 405;
  const bool ends_with_mcp = report.address.ends_with("/mcp") || report.address.ends_with("/mcp/");
  return {
      {status == 401 && report.has_headers, problem, "credentials",
       "it refuses the credentials given (401): has the token expired, and is it for this server?"},
      {status == 401, problem, "credentials",
       "it wants credentials (401): give them with --header 'Authorization: Bearer …'"},
      {status == 403, problem, "forbidden",
       "it forbids access (403): the credentials lack a right, or it takes only certain names in the URL (one that was started "
       "for localhost refuses 127.0.0.1)"},
      {status == 406, problem, "accept_header",
       "406 although both application/json and text/event-stream were accepted: a proxy in between rewrites Accept"},
      {status == 415, problem, "content_type_header",
       "415 although the content type was application/json: a proxy in between rewrites Content-Type"},
      {status == 429 || status == 503, problem, "busy", code + ": it cannot serve now; try again later"},
      {status >= 500, problem, "server_error",
       code + ": the server itself, or the proxy before it, is broken; its log says why"},
      {status != 0 && step.rpc_error != 0, problem, "refused",
       "it speaks JSON-RPC, and refuses to begin: its own words say why"},
      {status != 0 && wrong_path && ends_with_mcp, problem, "wrong_path",
       "nothing of MCP is at this URL: the path is often /mcp, and is so here: is a prefix missing, or is the server another "
       "one?"},
      {status != 0 && wrong_path, problem, "wrong_path",
       "nothing of MCP is at this URL: the path of most servers is /mcp, and /sse of older ones"},
      {status != 0, problem, "not_mcp", "what answers there is no MCP server"},
  };
}

rules other_failures(errc code) {
  return {
      {code == errc::http_status, problem, "redirect",
       "it redirects in a circle: a slash at the end of the path is often what it wants"},
      {code == errc::rpc_error, problem, "refused", "it speaks MCP, and refuses to begin: its own words say why"},
      {code == errc::deadline, problem, "silent", "it takes the connection and does not answer: --timeout waits longer"},
  };
}

void append(rules& out, rules more) { std::move(more.begin(), more.end(), std::back_inserter(out)); }

rules failure_rules(const probe_report& report) {
  const errc code = report.fault->code();
  rules out{
      {report.connected, problem, "list_failed",
       "connecting works, and listing the tools does not: hosts will show this server without tools, or as broken"},
      {code == errc::unsupported, problem, "version",
       "it speaks no revision that is published: is its library older, or newer, than that?"},
  };
  if (!report.over_http) {
    append(out, program_failures(code));
    return out;
  }
  const mcp::connect_step refused = refusal(report);
  append(out, network_failures(report, code));
  append(out, redirect_failures(report, code == errc::forbidden_target, report.fault->peer_text()));
  append(out, redirect_failures(report, refused.http_status >= 300 && refused.http_status < 400, refused.peer));
  append(out, status_failures(report, refused));
  append(out, other_failures(code));
  return out;
}

// What the steps tell. All rules that hold count, here and below.
rules step_rules(const probe_report& report) {
  const auto* probe = last_step(report, "server/discover");
  const auto* initialize = last_step(report, "initialize");
  const auto* close = last_step(report, "close");
  // Asked for the newest protocol, which it need not know.
  const bool unanswered =
      !report.over_http && failed(probe) && probe->rpc_error == 0 && initialize != nullptr && initialize->ok;
  rules out{
      {report.oddities > 0, warning, "stdout_text",
       counted(report.oddities, "line") + " on standard output that " + (report.oddities == 1 ? "is" : "are") +
           " no message: hosts may end the connection for that; log to standard error. The first: " +
           printable(cut_to_width(report.first_oddity, 80))},
      {unanswered, warning, "probe_unanswered",
       "asked server/discover, it ends or stays silent (" + (unanswered ? seconds_text(probe->took) : "") +
           "), and had to be started again: it should answer requests that it does not know with error -32601"},
      {failed(last_step(report, "GET (announcements)")), note, "no_stream",
       "it declares listChanged and opens no stream to announce changes on: hosts learn of new tools when they list again"},
      {failed(last_step(report, "subscriptions/listen")), warning, "no_subscription",
       "it declares listChanged and does not take the subscription: hosts learn of new tools when they list again"},
  };
  for (const char* name : {"server/discover", "initialize", "tools/list"}) {
    const auto* step = last_step(report, name);
    const bool slow = step != nullptr && step->ok && step->took >= slow_answer;
    out.push_back({slow, warning, "slow",
                   name + (" took " + (slow ? seconds_text(step->took) : "") + ": hosts give up after 10 to 60 s") +
                       (report.over_http ? "" : "; a program that npx or uvx has to fetch first is better installed")});
  }
  out.push_back(
      {close != nullptr && !report.over_http && close->took > slow_end, warning, "does_not_end",
       "it goes on after the end of its standard input, and had to be stopped by a signal: hosts that do not will leave "
       "it behind"});
  return out;
}

// What the server said about itself.
rules server_rules(const probe_report& report) {
  const auto& facts = report.facts;
  const bool unencrypted = report.over_http && report.address.starts_with("http://") && !is_loopback(report.address);
  return {
      {facts.transport == "sse", warning, "old_transport",
       "HTTP+SSE is the transport of 2024-11-05, which newer hosts no longer speak: offer Streamable HTTP beside it"},
      {facts.protocol_era != mcp::era::modern, note, "old_revision",
       "it speaks " + facts.protocol_version + ", not yet 2026-07-28: hosts of both work with it"},
      {facts.title.empty(), note, "nameless", "it does not say what it is (serverInfo.name)"},
      {!facts.has_tools, note, "no_tools", "it declares no tools"},
      {unencrypted && report.has_headers, warning, "unencrypted", "the headers travel unencrypted: use https"},
  };
}

std::string names_text(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < max_names_shown; ++i) {
    out += (i == 0 ? "" : ", ") + printable(cut_to_width(names[i], 70));
  }
  if (names.size() > max_names_shown) out += " and " + std::to_string(names.size() - max_names_shown) + " more";
  return out;
}

bool is_plain_name(const std::string& name) {
  const auto plain = [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.'; };
  return !name.empty() && name.size() <= longest_name && std::all_of(name.begin(), name.end(), plain);
}

// About single tools: the names of those for which `holds` says so follow the text.
struct tool_rule {
  bool (*holds)(const tool_facts&);
  advice::level severity;
  const char* topic;
  const char* text;
};

constexpr tool_rule tool_rules[] = {
    {[](const tool_facts& t) { return !is_plain_name(t.name); }, warning, "tool_names",
     "names of tools are 1 to 128 letters, digits, _, - or ., and many hosts refuse others: "},
    {[](const tool_facts& t) { return is_plain_name(t.name) && t.name.size() > long_name; }, note, "long_names",
     "names of more than 64 characters, which some models refuse: "},
    {[](const tool_facts& t) { return t.description_bytes == 0; }, note, "no_description",
     "without a description, a model has to guess: "},
    {[](const tool_facts& t) { return !t.has_schema; }, warning, "input_schema",
     "inputSchema must be an object of type object: "},
    {[](const tool_facts& t) { return t.has_network_ref; }, warning, "network_ref",
     "a $ref to another host is never fetched, so the schema is incomplete: "},
    // Over HTTP in 2026-07-28 they were left out already.
    {[](const tool_facts& t) { return !t.header_fault.empty(); }, warning, "header_annotations",
     "an x-mcp-header that cannot be used; clients of 2026-07-28 leave the tool out over HTTP: "},
    {[](const tool_facts& t) { return t.description_bytes > long_description; }, note, "long_descriptions",
     "descriptions of more than 4 KB, which hosts may cut: "},
};

rules list_rules(const probe_report& report) {
  const auto tools = inspect_tools(report.listing.tools);
  const auto& dropped = report.listing.dropped;
  const std::size_t bytes = report.listing.tools.bytes().size();
  rules out{
      {report.facts.has_tools && tools.empty(), warning, "no_tools",
       "it declares tools and lists none: does it want a setting, a token, or a capability?"},
      {!dropped.empty(), warning, "dropped_tools",
       counted(dropped.size(), "tool") + " cannot be offered: " + names_text(dropped)},
  };
  for (const auto& each : tool_rules) {
    std::vector<std::string> names;
    for (const auto& tool : tools) {
      if (each.holds(tool)) names.push_back(tool.name);
    }
    out.push_back({!names.empty(), each.severity, each.topic, each.text + names_text(names)});
  }
  out.push_back({bytes > long_list, note, "large_list",
                 "its tools take " + bytes_text(bytes) + ", about " + std::to_string(bytes / bytes_per_token / 1000) +
                     "000 tokens of every conversation they are part of"});
  return out;
}

}  // namespace

std::string_view name_of(advice::level severity) noexcept {
  constexpr std::array<std::string_view, 3> names{"note", "warning", "problem"};
  return names.at(static_cast<std::size_t>(severity));
}

std::vector<advice> advise(const probe_report& report) {
  rules found;
  if (report.fault) {
    const bool forced = report.protocol != mcp::era_choice::automatic && !report.connected;
    found.push_back(
        {forced, note, "protocol_forced", "a protocol was said with --protocol: without it, every way is tried"});
    const auto failures = failure_rules(report);
    const auto first = std::find_if(failures.begin(), failures.end(), [](const rule& r) { return r.holds; });
    if (first != failures.end()) found.push_back(*first);
  }
  append(found, step_rules(report));
  if (report.connected) append(found, server_rules(report));
  if (report.works()) append(found, list_rules(report));
  std::vector<advice> out;
  for (const auto& each : found) {
    if (each.holds) out.emplace_back(each.severity, each.topic, each.text);
  }
  std::stable_sort(out.begin(), out.end(), [](const advice& a, const advice& b) { return a.severity > b.severity; });
  return out;
}

}  // namespace mcpstate::cli
