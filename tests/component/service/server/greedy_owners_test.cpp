// SPDX-License-Identifier: MIT
// Owners who ask for more than they take, and what the others notice of it.
#include <future>

#include "component/service/service_fixture.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t mib = 1024 * 1024;
const std::string list_of_mallory = "/v1/users/mallory/connections?tools=true";
const std::string list_of_bob = "/v1/users/bob/connections?tools=true";

asio::awaitable<result<connection>> store_tools(service_fixture& f, std::string user, std::string server,
                                                std::size_t bytes) {
  change what(owner::user(user).value(), server_name::parse(server).value(), status::connected);
  what.tools(tools_list::parse(R"([{"name":")" + std::string(bytes, 't') + R"("}])").value());
  co_return co_await f.store->put(std::move(what));
}

// mallory has three lists of 8 MiB, bob a small one.
asio::awaitable<void> store_lists(service_fixture& f) {
  for (const char* server : {"a", "b", "c"}) {
    const auto put = co_await store_tools(f, "mallory", server, 8 * mib);
    CO_ASSERT_OK(put);
    co_await asio::post(f.executor(), asio::use_awaitable);  // the next one in a turn of its own
  }
  const auto put = co_await store_tools(f, "bob", "a", 10);
  CO_ASSERT_OK(put);
}

fixture_options with_room_for_answers(std::size_t share) {
  auto out = quick_options();
  out.process.answers_bytes = 4 * share;
  out.process.owner_answers_bytes = share;
  out.store.owner_bytes = 0;  // no limit: the lists are to be larger than an answer may be
  return out;
}

// A client that takes next to nothing as long as it does not read.
asio::awaitable<std::unique_ptr<raw_client>> stubborn_client(service_fixture& f) {
  auto out = std::make_unique<raw_client>(f.executor());
  out->socket().open(tcp::v4());
  out->socket().set_option(asio::socket_base::receive_buffer_size(32 * 1024));
  co_await out->connect(f.port());
  co_return out;
}

SERVICE_TEST(GreedyOwners, LeaveOthersTheirAnswersWhenTheyReadNothing, with_room_for_answers(32 * mib)) {
  co_await store_lists(f);
  std::vector<std::unique_ptr<raw_client>> greedy;
  for (int n = 0; n < 8; ++n) {
    greedy.push_back(co_await stubborn_client(f));
    co_await greedy.back()->send(get(list_of_mallory));
  }
  int served = 0, refused = 0;
  for (auto& one : greedy) {
    const auto answer = co_await one->answer(false);
    served += answer.status == 200 ? 1 : 0;
    if (answer.status != 503) continue;
    ++refused;
    EXPECT_EQ(answer.field("Retry-After"), "1");
    EXPECT_NE((co_await one->until("\"instance\"")).find("urn:mcpstate:problem:busy"), std::string::npos);
  }
  EXPECT_GE(served, 1);
  EXPECT_GE(refused, 1);
  EXPECT_EQ(served + refused, 8);
  EXPECT_LE(f.process.answers.used(), 32 * mib);
  auto bob = co_await f.client();
  EXPECT_EQ((co_await bob->ask(get(list_of_bob))).status, 200u);
  EXPECT_EQ((co_await bob->ask(get("/v1/users/mallory/connections"))).status, 200u) << "small answers are always there";
  greedy.clear();
  EXPECT_TRUE(co_await eventually([&f] { return f.process.answers.used() == 0; }));
  EXPECT_EQ((co_await bob->ask(get(list_of_mallory))).body.size() / mib, 24u);
}

SERVICE_TEST(GreedyOwners, AreToldBeforeItIsReadThatAnAnswerIsTooLarge, with_room_for_answers(16 * mib)) {
  co_await store_lists(f);
  auto c = co_await f.client();
  const auto all = co_await c->ask(get(list_of_mallory));
  EXPECT_EQ(all.status, 422u);
  EXPECT_NE(all.body.find("urn:mcpstate:problem:answer-too-large"), std::string::npos) << all.body;
  EXPECT_NE(f.process.metrics.render().find(R"(operation="list")"), std::string::npos);
  for (const char* one : {"/v1/users/mallory/connections/a/tools", "/v1/users/mallory/connections/b?tools=true"}) {
    const auto answer = co_await c->ask(get(one));
    EXPECT_EQ(answer.status, 200u) << one;
    EXPECT_EQ(answer.body.size() / mib, 8u) << one;
  }
  const auto erased = co_await f.store->erase(owner::user("mallory").value());
  CO_ASSERT_OK(erased);
  EXPECT_EQ((co_await c->ask(get(list_of_mallory))).body, "[]") << "what was too large once is measured again";
  EXPECT_EQ(f.process.answers.used(), 0u);
}

SERVICE_TEST(GreedyOwners, AreRefusedOneListLargerThanTheirShare, with_room_for_answers(4 * mib)) {
  co_await store_lists(f);
  auto c = co_await f.client();
  for (const char* one : {"/v1/users/mallory/connections/a/tools", "/v1/users/mallory/connections/b?tools=true"}) {
    EXPECT_EQ((co_await c->ask(get(one))).status, 422u) << one;
  }
  EXPECT_EQ((co_await c->ask(get("/v1/users/mallory/connections/a"))).status, 200u);
  EXPECT_EQ(f.process.answers.used(), 0u);
}

std::size_t lists_read(service_fixture& f) {
  const std::string all = f.process.metrics.render();
  std::size_t out = 0;
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) {
    const bool counts = line.starts_with("mcpstate_store_operations_total") && line.find("\"list\"") != std::string::npos;
    if (counts) out += std::stoul(line.substr(line.rfind(' ') + 1));
  }
  return out;
}

SERVICE_TEST(GreedyOwners, ShareAReadThatTheyWantTogether, with_room_for_answers(64 * mib)) {
  co_await store_lists(f);
  std::vector<std::unique_ptr<raw_client>> all;
  for (int n = 0; n < 12; ++n) {
    all.push_back(co_await f.client());
    co_await all.back()->send(get(list_of_mallory));
  }
  std::string tag;
  for (auto& one : all) {
    const auto answer = co_await one->answer();
    EXPECT_EQ(answer.status, 200u) << answer.body.substr(0, 200);
    EXPECT_EQ(answer.body.size() / mib, 24u);
    EXPECT_TRUE(tag.empty() || tag == answer.field("ETag"));
    tag = answer.field("ETag");
  }
  EXPECT_LT(lists_read(f), 12u) << "each measures, and reads";
  EXPECT_TRUE(co_await eventually([&f] { return f.process.answers.used() == 0; }));
}

SERVICE_TEST(GreedyOwners, GetWhatWasWrittenBeforeTheyAsked) {
  auto writer = co_await f.client();
  auto reader = co_await f.client();
  for (int n = 0; n < 20; ++n) {
    const std::string name = "tool" + std::to_string(n);
    const std::string state =
        R"({"status":"CONNECTED","tools":[{"name":")" + name + R"(","x":")" + std::string(300'000, 'x') + R"("}]})";
    co_await reader->send(get(list_of_bob));  // under way, or waiting, while the state is written
    const auto put = co_await writer->ask(with_body("PUT", "/v1/users/bob/connections/a/state", state));
    EXPECT_EQ(put.status, 200u);
    const auto after = co_await writer->ask(get(list_of_bob));
    EXPECT_NE(after.body.find(name + "\""), std::string::npos) << n;
    static_cast<void>(co_await reader->answer());
  }
}

std::string head_of_report(const std::string& user, const std::string& length) {
  return "PUT /v1/users/" + user + "/connections/a/state HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
         length + "\r\n\r\n";
}

SERVICE_TEST(GreedyOwners, TakeNoRoomWithTheLengthsOfBodies) {
  std::vector<std::unique_ptr<raw_client>> greedy;
  for (int n = 0; n < 20; ++n) {
    greedy.push_back(co_await f.client());
    co_await greedy.back()->send(head_of_report("mallory", "Content-Length: 17000000") + "{");
  }
  CO_ASSERT_TRUE(co_await eventually([&f] { return f.process.request_bodies.used() == 20; }));
  auto bob = co_await f.client();
  const auto put = co_await bob->ask(with_body("PUT", "/v1/users/bob/connections/a/state", R"({"status":"CONNECTED"})"));
  EXPECT_EQ(put.status, 200u) << put.body;
  greedy.clear();
  EXPECT_TRUE(co_await eventually([&f] { return f.process.request_bodies.used() == 0; }));
}

fixture_options with_room_for_bodies() {
  auto out = quick_options();
  out.process.request_bodies_bytes = 4 * mib;
  out.process.owner_request_bodies_bytes = mib;
  return out;
}

SERVICE_TEST(GreedyOwners, FillTheirShareOfBodiesAndNotThatOfOthers, with_room_for_bodies()) {
  const std::string part(700'000, ' ');
  for (const std::string length : {"Content-Length: 900000", "Transfer-Encoding: chunked"}) {
    const bool chunked = length.starts_with("T");
    const std::string begun = head_of_report("mallory", length) + (chunked ? "aae60\r\n" : "") + part;
    auto first = co_await f.client();
    co_await first->send(begun);
    CO_ASSERT_TRUE(co_await eventually([&f] { return f.process.request_bodies.used() == 700'000; }));
    auto second = co_await f.client();
    const auto refused = co_await second->ask(begun);
    EXPECT_EQ(refused.status, 503u) << length;
    EXPECT_EQ(refused.field("Retry-After"), "1");
    EXPECT_NE(refused.body.find("urn:mcpstate:problem:busy"), std::string::npos) << refused.body;
    auto bob = co_await f.client();
    const std::string report = R"({"status":"CONNECTED","tools":[{"name":")" + std::string(800'000, 'x') + R"("}]})";
    EXPECT_EQ((co_await bob->ask(with_body("PUT", "/v1/users/bob/connections/a/state", report))).status, 200u);
    first->close();
    CO_ASSERT_TRUE(co_await eventually([&f] { return f.process.request_bodies.used() == 0; }));
  }
}

fixture_options with_steady_readers() {
  auto out = quick_options();
  out.timeouts.write = 2s;
  out.store.owner_bytes = 0;
  out.timeouts.per_64_kib = 1s;
  return out;
}

SERVICE_TEST(GreedyOwners, LoseAnswersOfWhichTheyTakeNothing, with_steady_readers()) {
  co_await store_lists(f);
  auto c = co_await stubborn_client(f);
  co_await c->send(get(list_of_mallory));
  CO_ASSERT_TRUE(co_await eventually([&f] { return f.process.answers.used() > 0; }));
  const auto from = std::chrono::steady_clock::now();
  EXPECT_TRUE(co_await eventually([&f] { return f.server->connections() == 0; })) << "384 s, at 64 KiB a second";
  EXPECT_LT(std::chrono::steady_clock::now() - from, 8s);
  EXPECT_EQ(f.process.answers.used(), 0u);
}

// In more time than a client has that takes nothing.
SERVICE_TEST(GreedyOwners, GetAllOfAnAnswerThatTheyTakeSlowly, with_steady_readers()) {
  co_await store_lists(f);
  auto c = co_await f.client();
  co_await c->send(get(list_of_mallory));
  std::string buffer(mib, '\0');
  std::size_t got = 0, next_pause = mib;
  const auto from = std::chrono::steady_clock::now();
  while (got < 24 * mib) {
    auto [ec, size] = co_await c->socket().async_read_some(asio::buffer(buffer), aio::use_ec);
    if (ec) break;
    got += size;
    if (got < next_pause) continue;
    next_pause += mib;
    co_await aio::wait_until(aio::after(120ms));
  }
  EXPECT_GE(got, 24 * mib);
  EXPECT_GT(std::chrono::steady_clock::now() - from, 2s);
}

fixture_options with_a_minimum_rate() {
  auto out = quick_options();
  out.timeouts.write = 500ms;
  out.store.owner_bytes = 0;
  out.timeouts.per_64_kib = 1ms;  // 24 MiB: 384 ms more
  return out;
}

SERVICE_TEST(GreedyOwners, LoseAnswersThatTheyTakeByteByByte, with_a_minimum_rate()) {
  co_await store_lists(f);
  auto c = co_await stubborn_client(f);
  co_await c->send(get(list_of_mallory));
  std::string buffer(16 * 1024, '\0');
  const auto until = std::chrono::steady_clock::now() + 9s;
  while (f.server->connections() > 0 && std::chrono::steady_clock::now() < until) {
    auto [ec, size] = co_await c->socket().async_read_some(asio::buffer(buffer), aio::use_ec);
    if (ec) break;
    co_await aio::wait_until(aio::after(5ms));
  }
  EXPECT_EQ(f.server->connections(), 0u);
}

// Holds all threads of the background, so that what goes there waits.
class held_background {
 public:
  explicit held_background(service_fixture& f) {
    for (int n = 0; n < 2; ++n) asio::post(f.process.background, [until = until_] { until.wait(); });
  }
  ~held_background() { go_.set_value(); }
  held_background(const held_background&) = delete;
  held_background& operator=(const held_background&) = delete;

 private:
  std::promise<void> go_;
  std::shared_future<void> until_{go_.get_future()};
};

// Whether others are answered while a request waits for the background.
asio::awaitable<bool> is_answered_meanwhile(service_fixture& f, std::string large) {
  auto busy = co_await f.client();
  auto other = co_await f.client();
  auto held = std::make_unique<held_background>(f);
  co_await busy->send(std::move(large));
  bool healthy = true;
  for (int n = 0; n < 20; ++n) healthy = healthy && (co_await other->ask(get("/healthz"))).status == 200;
  const bool first = busy->socket().available() == 0;
  held.reset();
  const auto read = co_await busy->answer();
  EXPECT_TRUE(read.status == 200 || read.status == 400) << read.body;
  co_return healthy&& first;
}

SERVICE_TEST(LargeReports, LetOthersBeAnsweredWhileTheyAreRead) {
  std::string tools;
  for (int n = 0; n < 4000; ++n) tools += (n == 0 ? "" : ",") + (R"({"name":")" + std::string(2000, 'n') + R"("})");
  const std::string path = "/v1/users/bob/connections/a/state";
  const std::vector<std::string> bodies{R"({"status":"CONNECTED","tools":[)" + tools + "]}",
                                        R"({"status":"DISCONNECTED","tools":[)" + tools + "]}",
                                        R"({"status":"CONNECTED","tools":[)" + tools + "}}"};
  for (const auto& body : bodies) {
    const bool meanwhile = co_await is_answered_meanwhile(f, with_body("PUT", path, body));
    EXPECT_TRUE(meanwhile) << body.substr(0, 30);
  }
}

// Another program has stored it: this process sees it for the first time when it is asked for.
SERVICE_TEST(LargeReports, LetOthersBeAnsweredWhileAListIsInspected, with_steady_readers()) {
  co_await store_lists(f);
  const bool meanwhile = co_await is_answered_meanwhile(f, get(list_of_mallory));
  EXPECT_TRUE(meanwhile);
}

}  // namespace
}  // namespace mcpstate::test
