// SPDX-License-Identifier: MIT
// The program that the official conformance suite runs as "the client": a small host on the public API. The suite appends
// the URL of its server, and says in MCP_CONFORMANCE_SCENARIO and MCP_CONFORMANCE_CONTEXT what the host is to do there. They
// decide which tools are called and with what; the client finds out everything else by itself, as for any other user.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/mcp/client.hpp>

namespace mcpstate::conformance {
namespace {

namespace json = boost::json;

struct planned_call {
  planned_call(std::string name, std::string given) : tool(std::move(name)), arguments(std::move(given)) {}
  std::string tool, arguments;
};

// What the suite wants.
struct assignment {
  assignment() {}
  std::string url, scenario;
  json::object context;
};

// Somebody who accepts whatever a server asks for, with the defaults, and calls another tool before he answers for the first
// time.
class agreeable_person final : public mcp::host {
 public:
  void will_call_meanwhile(mcp::client& through, std::string tool) {
    client_ = &through;
    meanwhile_ = std::move(tool);
  }
  [[nodiscard]] std::string capabilities() const override { return R"({"elicitation":{}})"; }
  task<std::string> answer(std::string method, std::string params) override {
    if (method != "elicitation/create") co_return error(errc::bad_argument, "only elicitation is offered");
    const std::string tool = std::exchange(meanwhile_, std::string());
    if (!tool.empty()) {
      auto calling = client_->call_tool(tool, "{}", mcp::call_options());
      MCPSTATE_CO_CHECK(co_await std::move(calling));
    }
    auto content = mcp::with_defaults(params, "{}");
    if (!content) co_return content.error();
    co_return R"({"action":"accept","content":)" + *content + "}";
  }

 private:
  mcp::client* client_ = nullptr;
  std::string meanwhile_;
};

std::string text_at(const json::value& object, std::string_view name) {
  const auto* found = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::string arguments_for(const std::string& tool) {
  if (tool == "add_numbers") return R"({"a":5,"b":3})";
  if (tool == "valid_tool") return R"({"region":"us-west1"})";
  return "{}";
}

// The schema of one tool, given back as an argument of another.
std::vector<planned_call> echo_schema(const json::array& tools) {
  json::object arguments;
  for (const auto& tool : tools) {
    if (text_at(tool, "name") == "json_schema_2020_12_tool") arguments["schema"] = tool.at("inputSchema");
  }
  return {planned_call("json_schema_echo", json::serialize(arguments))};
}

std::vector<planned_call> plan(const assignment& work, const json::array& tools) {
  std::vector<planned_call> out;
  if (const auto* calls = work.context.if_contains("toolCalls")) {
    for (const auto& call : calls->as_array())
      out.emplace_back(text_at(call, "name"), json::serialize(call.at("arguments")));
    return out;
  }
  if (work.scenario == "json-schema-2020-12-preservation") return echo_schema(tools);
  if (work.scenario == "json-schema-ref-no-deref") return out;  // its tool cannot be called
  for (const auto& tool : tools) {
    const std::string name = text_at(tool, "name");
    out.emplace_back(name, arguments_for(name));
  }
  return out;
}

// Lists what a server offers (resources, prompts), and gets each.
task<void> read_all(mcp::client& client, std::string kind, std::string verb, std::string key) {
  const auto capabilities = json::parse(client.facts().capabilities);
  if (!capabilities.as_object().contains(kind)) co_return result<void>();
  auto listing = client.request(kind + "/list", "{}", mcp::call_options());
  MCPSTATE_CO_TRY(listed, co_await std::move(listing));
  const json::value all = json::parse(listed);
  for (const auto& one : all.at(kind).as_array()) {
    json::object params;
    params[key] = one.at(key);
    auto getting = client.request(kind + "/" + verb, json::serialize(params), mcp::call_options());
    MCPSTATE_CO_CHECK(co_await std::move(getting));
  }
  co_return result<void>();
}

task<void> use(mcp::client& client, agreeable_person& person, const assignment& work) {
  auto listing = client.list_tools();
  MCPSTATE_CO_TRY(listed, co_await std::move(listing));
  for (const std::string& why : listed.dropped) std::fprintf(stderr, "left out: %s\n", why.c_str());
  const auto tools = json::parse(listed.tools.bytes());
  if (work.scenario == "sep-2322-client-request-state") person.will_call_meanwhile(client, "test_mrtr_unrelated");
  for (const planned_call& call : plan(work, tools.as_array())) {
    auto calling = client.call_tool(call.tool, call.arguments, mcp::call_options());
    MCPSTATE_CO_TRY(answered, co_await std::move(calling));
    std::printf("%s: %s\n", call.tool.c_str(), answered.body.c_str());
  }
  auto resources = read_all(client, "resources", "read", "uri");
  MCPSTATE_CO_CHECK(co_await std::move(resources));
  auto prompts = read_all(client, "prompts", "get", "name");
  MCPSTATE_CO_CHECK(co_await std::move(prompts));
  auto pinging = client.ping();
  co_return co_await std::move(pinging);
}

task<void> carry_out(asio::any_io_executor executor, assignment work) {
  const auto person = std::make_shared<agreeable_person>();
  mcp::http_target there;
  there.url = work.url;
  mcp::client_options options;
  options.user = person;
  auto connecting = mcp::connect(executor, std::move(there), std::move(options));
  MCPSTATE_CO_TRY(client, co_await std::move(connecting));
  std::printf("connected: %s, %s\n", client->facts().protocol_version.c_str(), client->facts().transport.c_str());
  auto using_it = use(*client, *person, work);
  auto outcome = co_await std::move(using_it);
  co_await client->close();
  co_return outcome;
}

// Where it is said what to do, and the rest of the command line's business.
int run(assignment work) {
  // What an authorizer of the client would be given (client id, secret, key) stands in the context of these.
  if (work.scenario.starts_with("auth/")) {
    std::fputs("the client cannot authorize itself yet\n", stderr);
    return 2;
  }
  asio::io_context context;
  int code = 1;
  auto note = [&code](const std::exception_ptr& failure, const result<void>& outcome) {
    if (failure) std::rethrow_exception(failure);
    if (!outcome) std::fprintf(stderr, "%s\n", outcome.error().full_text().c_str());
    code = outcome ? 0 : 1;
  };
  asio::co_spawn(context, carry_out(context.get_executor(), std::move(work)), std::move(note));
  context.run();
  return code;
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace
}  // namespace mcpstate::conformance

int main(int count, char** words) {
  using namespace mcpstate::conformance;
  assignment work;
  work.scenario = variable("MCP_CONFORMANCE_SCENARIO");
  if (count != 2 || work.scenario.empty()) {
    std::fputs("usage: MCP_CONFORMANCE_SCENARIO=name mcpstate-conformance URL (the conformance suite runs it)\n", stderr);
    return 2;
  }
  work.url = words[1];
  const std::string context = variable("MCP_CONFORMANCE_CONTEXT");
  if (!context.empty()) work.context = boost::json::parse(context).as_object();
  return run(std::move(work));
}
