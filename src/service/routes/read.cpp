// SPDX-License-Identifier: MIT
#include "service/routes/read.hh"

#include "core/json/depth.hh"
#include "core/json/text.hh"
#include "service/http/etag.hh"
#include "service/routes/responses.hh"

namespace mcpstate::service {

namespace {

// How many event streams of one owner may be open with owner tokens. A browser has a tab or ten.
constexpr std::size_t max_event_streams = 100;

// ?tools=true or false. Absent: it is something else.
std::optional<tools_wanted> read_tools_parameter(const request_context& context) {
  const auto* value = context.authorized.parameter("tools");
  if (value == nullptr || *value == "false") return tools_wanted::no;
  if (*value == "true") return tools_wanted::yes;
  return std::nullopt;
}

http_response bad_tools_parameter(const request_context& context) {
  return context.failure(problem_kind::bad_parameter, "tools is true or false");
}

record_body array_of(known_lists& lists, const std::vector<connection>& all) {
  record_body out(lists);
  for (const auto& record : all) {
    out.append_text(&record == all.data() ? "[" : ",");
    out.append_record(record);
  }
  out.append_text(all.empty() ? "[]" : "]");
  return out;
}

// Counts a stream among the owner's open ones for as long as it exists. The shard outlives the stream.
std::shared_ptr<subscription> counted(shard& owner_shard, std::shared_ptr<subscription> stream, const owner& account) {
  ++owner_shard.event_streams[account];
  auto* const pointer = stream.get();
  auto uncount = [&open = owner_shard.event_streams, account, stream = std::move(stream)](subscription*) mutable {
    stream.reset();
    if (--open[account] == 0) open.erase(account);
  };
  return std::shared_ptr<subscription>(pointer, std::move(uncount));
}

bool has_too_many_streams(const request_context& context) {
  const auto& open = context.shard.event_streams;
  const auto found = open.find(context.owner());
  return found != open.end() && found->second >= max_event_streams;
}

}  // namespace

response_task list_connections(request_context& context) {
  const auto wanted = read_tools_parameter(context);
  if (!wanted) co_return bad_tools_parameter(context);
  auto work = context.shard.store.list(context.owner(), *wanted);
  const auto all = co_await measured(context, "list", std::move(work));
  if (!all) co_return context.failure(all.error());
  auto body = array_of(context.shard.lists, (*all)->records());
  std::string etag = etag_of(body.digest());
  co_return tagged_response(context, std::move(body), std::move(etag));
}

response_task get_connection(request_context& context) {
  const auto wanted = read_tools_parameter(context);
  if (!wanted) co_return bad_tools_parameter(context);
  auto work = context.shard.store.get(context.owner(), context.server(), *wanted);
  const auto found = co_await measured(context, "get", std::move(work));
  if (!found) co_return context.failure(found.error());
  if (!*found) co_return context.failure(not_found(context));
  record_body body(context.shard.lists);
  body.append_record(**found);
  std::string etag = etag_of(**found, body.digest());
  co_return tagged_response(context, std::move(body), std::move(etag));
}

response_task get_tools(request_context& context) {
  auto work = context.shard.store.get(context.owner(), context.server(), tools_wanted::yes);
  const auto found = co_await measured(context, "get", std::move(work));
  if (!found) co_return context.failure(found.error());
  if (!*found) co_return context.failure(not_found(context));
  const auto& record = **found;
  if (!record.tools) co_return context.failure(problem_kind::no_tools, "no tools of '" + record.server + "' are known");
  // Another program may have stored anything; the response is a list.
  const auto digest = digest_of(*record.tools);
  const bool valid = context.shard.lists.is_list(*record.tools, digest) ||
                     check_json(*record.tools, json_shape::array, json_depth_of_foreign_tools).ok;
  if (!valid)
    co_return context.failure(problem_kind::no_tools, "what is stored as the tools of '" + record.server + "' is no list");
  auto out = tagged_response(context, std::string(), etag_of(digest));
  if (out.status == 200) out.inserts.push_back(body_insert{0, record.tools});
  co_return out;
}

response_task open_events(request_context& context) {
  const bool limited = context.authorized.sender.kind == token_kind::owner;
  if (limited && has_too_many_streams(context))
    co_return context.failure(problem_kind::too_many_requests, "too many event streams of this owner are open");
  http_response out;
  out.content_type = "text/event-stream";
  out.headers.emplace_back("X-Accel-Buffering", "no");
  if (context.request.method != http_method::get) co_return out;
  out.event_stream = context.shard.events.subscribe(context.owner());
  if (limited) out.event_stream = counted(context.shard, std::move(out.event_stream), context.owner());
  co_return out;
}

}  // namespace mcpstate::service
