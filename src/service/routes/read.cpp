// SPDX-License-Identifier: MIT
#include "service/routes/read.hh"

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

// lists: of the tools of each record; empty when no tools were read.
record_body array_of(const owner_snapshot& all, const std::vector<list_facts>& lists) {
  record_body out;
  for (std::size_t n = 0; n < all.size(); ++n) {
    out.append_text(n == 0 ? "[" : ",");
    out.append_record(all[n], lists.empty() ? list_facts() : lists[n]);
  }
  out.append_text(all.empty() ? "[]" : "]");
  return out;
}

http_response list_response(const request_context& context, const owner_snapshot& all,
                            const std::vector<list_facts>& lists) {
  auto body = array_of(all, lists);
  std::string etag = etag_of(body.digest());
  return tagged_response(context, std::move(body), std::move(etag));
}

http_response one_response(const request_context& context, const connection& found, const list_facts& tools) {
  record_body body;
  body.append_record(found, tools);
  std::string etag = etag_of(found, body.digest());
  return tagged_response(context, std::move(body), std::move(etag));
}

response_task list_with_tools(request_context& context) {
  std::optional<server_name> all_servers;
  auto reading = context.shard.tools.read(context.owner(), std::move(all_servers));
  const auto read = co_await std::move(reading);
  if (!read.view) co_return context.failure(*read.refused);
  auto out = list_response(context, *read.view->records, read.view->lists);
  out.held = read.view;
  co_return out;
}

response_task get_with_tools(request_context& context) {
  std::optional<server_name> server = context.server();
  auto reading = context.shard.tools.read(context.owner(), std::move(server));
  const auto read = co_await std::move(reading);
  if (!read.view) co_return context.failure(*read.refused);
  if (read.view->records->empty()) co_return context.failure(not_found(context));
  auto out = one_response(context, read.view->records->front(), read.view->lists.front());
  out.held = read.view;
  co_return out;
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
  if (*wanted == tools_wanted::yes) co_return co_await list_with_tools(context);
  auto work = context.shard.store.list(context.owner(), tools_wanted::no);
  const auto all = co_await measured(context, "list", std::move(work));
  if (!all) co_return context.failure(all.error());
  co_return list_response(context, **all, {});
}

response_task get_connection(request_context& context) {
  const auto wanted = read_tools_parameter(context);
  if (!wanted) co_return bad_tools_parameter(context);
  if (*wanted == tools_wanted::yes) co_return co_await get_with_tools(context);
  auto work = context.shard.store.get(context.owner(), context.server(), tools_wanted::no);
  const auto found = co_await measured(context, "get", std::move(work));
  if (!found) co_return context.failure(found.error());
  if (!*found) co_return context.failure(not_found(context));
  co_return one_response(context, **found, list_facts());
}

response_task get_tools(request_context& context) {
  std::optional<server_name> server = context.server();
  auto reading = context.shard.tools.read(context.owner(), std::move(server));
  const auto read = co_await std::move(reading);
  if (!read.view) co_return context.failure(*read.refused);
  if (read.view->records->empty()) co_return context.failure(not_found(context));
  const auto& record = read.view->records->front();
  const auto& tools = read.view->lists.front();
  if (!record.tools) co_return context.failure(problem_kind::no_tools, "no tools of '" + record.server + "' are known");
  // Another program may have stored anything; the response is a list.
  if (tools.kind == list_kind::junk)
    co_return context.failure(problem_kind::no_tools, "what is stored as the tools of '" + record.server + "' is no list");
  auto out = tagged_response(context, std::string(), etag_of(tools.digest));
  if (out.status == 200) out.inserts.push_back(body_insert{0, record.tools});
  out.held = read.view;
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
