// SPDX-License-Identifier: MIT
// Lists, single connections, tools, events.
#include "service/http/etag.hh"
#include "service/routes/api.hh"

#include "core/json/text.hh"

namespace mcpstate::service {

namespace {

constexpr std::size_t max_tools_depth = 512;

// ?tools=true; absent: it is something else.
std::optional<tools_wanted> wanted_tools(const asking& to) {
  const auto* value = to.of.query("tools");
  if (value == nullptr || *value == "false") return tools_wanted::no;
  if (*value == "true") return tools_wanted::yes;
  return std::nullopt;
}

http_response bad_tools_query(const asking& to) { return to.fail(problem_kind::bad_parameter, "tools is true or false"); }

record_body array_of(api& by, const std::vector<connection>& all) {
  record_body out(by.lists);
  for (const auto& c : all) {
    out.text(&c == all.data() ? "[" : ",");
    out.record(c);
  }
  out.text(all.empty() ? "[]" : "]");
  return out;
}

// Counted for as long as somebody holds it.
std::shared_ptr<subscriber> counted(api& by, std::shared_ptr<subscriber> stream, const owner& whose) {
  ++by.streams[whose];
  auto* const bare = stream.get();
  auto uncount = [&by, whose, stream = std::move(stream)](subscriber*) mutable {
    stream.reset();
    if (--by.streams[whose] == 0) by.streams.erase(whose);
  };
  return std::shared_ptr<subscriber>(bare, std::move(uncount));
}

}  // namespace

reply list_connections(api& by, asking& to) {
  const auto want = wanted_tools(to);
  if (!want) co_return bad_tools_query(to);
  auto work = by.records.list(to.whose(), *want);
  const auto all = co_await measured(by, "list", std::move(work));
  if (!all) co_return to.fail(all.error());
  auto body = array_of(by, *all);
  std::string tag = tag_of(body.digest());
  co_return tagged(to, std::move(body), std::move(tag));
}

reply get_connection(api& by, asking& to) {
  const auto want = wanted_tools(to);
  if (!want) co_return bad_tools_query(to);
  auto work = by.records.get(to.whose(), to.server(), *want);
  const auto found = co_await measured(by, "get", std::move(work));
  if (!found) co_return to.fail(found.error());
  if (!*found) co_return to.fail(no_such(to));
  record_body body(by.lists);
  body.record(**found);
  std::string tag = tag_of(**found, body.digest());
  co_return tagged(to, std::move(body), std::move(tag));
}

reply get_tools(api& by, asking& to) {
  auto work = by.records.get(to.whose(), to.server(), tools_wanted::yes);
  const auto found = co_await measured(by, "get", std::move(work));
  if (!found) co_return to.fail(found.error());
  if (!*found) co_return to.fail(no_such(to));
  const auto& c = **found;
  if (!c.tools) co_return to.fail(problem_kind::no_tools, "no tools of '" + c.server + "' are known");
  // What another program has put there may be anything; what we answer is a list.
  const auto digest = digest_of(*c.tools);
  const bool good = by.lists.is_list(*c.tools, digest) || check_json(*c.tools, json_shape::array, max_tools_depth).ok;
  if (!good) co_return to.fail(problem_kind::no_tools, "what is stored as the tools of '" + c.server + "' is no list");
  auto out = tagged(to, std::string(), tag_of(digest));
  if (out.status == 200) out.lists.push_back(body_part{0, c.tools});
  co_return out;
}

reply open_events(api& by, asking& to) {
  const bool limited = to.of.who.kind == token_kind::owner;
  const auto open = by.streams.find(to.whose());
  if (limited && open != by.streams.end() && open->second >= streams_per_owner)
    co_return to.fail(problem_kind::too_many_requests, "too many event streams of this owner are open");
  http_response out;
  out.content_type = "text/event-stream";
  out.headers.emplace_back("X-Accel-Buffering", "no");
  if (to.request.method != http_method::get) co_return out;
  out.events = by.events.open(to.whose());
  if (limited) out.events = counted(by, std::move(out.events), to.whose());
  co_return out;
}

}  // namespace mcpstate::service
