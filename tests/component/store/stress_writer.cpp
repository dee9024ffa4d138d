// SPDX-License-Identifier: MIT
// One of several processes that all write the same owner for some time: stress_writer URL SECONDS SEED. Prints a JSON line
// of what it did and of the highest revision it saw of each server; ends with 1, and says why, when something was not as
// promised.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/open_store.hpp>

namespace mcpstate {
namespace {

constexpr int hands = 4;  // operations under way at a time
// A slow machine works longer, so that every kind of operation has its turn however few it does in a second.
constexpr std::uint64_t least_steps = 250;

using moment = std::chrono::steady_clock::time_point;
moment now() { return std::chrono::steady_clock::now(); }
std::int64_t ms_since(moment begun) { return std::chrono::duration_cast<std::chrono::milliseconds>(now() - begun).count(); }

struct writer {
  writer(asio::io_context& io, std::uint64_t seed) : group(io.get_executor(), aio::end_process), random(seed) {}
  std::unique_ptr<store> state;
  owner user = owner::user("stress").value();
  owner session = owner::session("stress").value();
  std::map<std::string, std::uint64_t> highest;  // revision of each of the user's servers
  std::map<std::string, std::uint64_t> done;     // operations by name
  std::map<std::string, std::int64_t> slowest;   // of each, in milliseconds
  moment begun = now();
  std::vector<std::string> faults;
  aio::deadline end{};
  std::uint64_t steps = 0;
  aio::task_group group;
  std::mt19937_64 random;

  std::uint64_t below(std::uint64_t n) { return random() % n; }
  server_name any_server() { return server_name::parse("server " + std::to_string(below(5))).value(); }
  void fault(const std::string& what) { faults.push_back("after " + std::to_string(ms_since(begun)) + " ms: " + what); }
  // Losing a race is what the fence is for; everything else has to succeed.
  template <class T>
  void note(std::string_view named, moment asked, const result<T>& outcome) {
    const std::string name(named);
    const auto took = ms_since(asked);
    slowest[name] = std::max(slowest[name], took);
    if (outcome) {
      ++done[name];
    } else if (outcome.error().is(cond::conflict) || outcome.error().is(cond::not_found)) {
      ++done[name + " refused"];
    } else {
      fault(name + " took " + std::to_string(took) + " ms: " + outcome.error().full_text());
    }
  }
  void saw(const connection& c, std::uint64_t before) {
    if (c.revision < before)
      fault(c.server + ": revision " + std::to_string(c.revision) + " after " + std::to_string(before));
    if (!c.problems.empty()) fault(c.server + ": " + c.problems.front());
    if (c.connected() != c.connected_at.has_value()) fault(c.server + ": connected_at does not fit its status");
    if (c.tools && c.tools->find("\"of\":\"" + c.server + "\"") == std::string::npos)
      fault(c.server + ": tools of another server");
    auto& top = highest[c.server];
    top = std::max(top, c.revision);
  }
};

tools_list tools_of(writer& w, const server_name& server) {
  const std::string padding(w.below(3000), 'x');
  return tools_list::parse(R"([{"name":"t","of":")" + server.text() + R"(","description":")" + padding + R"("}])").value();
}

change any_change(writer& w, const owner& who, const server_name& server) {
  static constexpr status all[] = {status::connected,    status::connected,  status::failed,
                                   status::disconnected, status::connecting, status::auth_required};
  const status to = all[w.below(std::size(all))];
  change out(who, server, to);
  if (to == status::connected) out.tools(tools_of(w, server));
  if (to == status::failed) {
    failure why;
    why.code = "child_exited";
    why.message = "stress";
    out.fail(std::move(why));
  }
  return out;
}

asio::awaitable<void> put_any(writer& w) {
  const server_name server = w.any_server();
  change what = any_change(w, w.user, server);
  const auto before = w.highest[server.text()];
  const auto asked = now();
  const auto written = co_await w.state->put(std::move(what));
  w.note("put", asked, written);
  if (written) w.saw(*written, before);
}

// Reads, lets others go first, and writes on what it read.
asio::awaitable<void> put_on_basis(writer& w) {
  const server_name server = w.any_server();
  const auto before = w.highest[server.text()];
  const auto asked = now();
  const auto seen = co_await w.state->get(w.user, server, tools_wanted::yes);
  w.note("get", asked, seen);
  if (!seen || !*seen) co_return;
  w.saw(**seen, before);
  change what(**seen, status::failed);
  const auto decided = now();
  const auto written = co_await w.state->put(std::move(what));
  w.note("put on a basis", decided, written);
  if (written && written->revision <= (*seen)->revision) w.fault(server.text() + ": a write did not raise the revision");
  if (written) w.saw(*written, (*seen)->revision);
}

asio::awaitable<void> list_all(writer& w) {
  const auto before = w.highest;
  const auto asked = now();
  const auto listed = co_await w.state->list(w.user, tools_wanted::yes);
  w.note("list", asked, listed);
  if (!listed) co_return;
  for (const auto& c : **listed) {
    const auto known = before.find(c.server);
    w.saw(c, known == before.end() ? 0 : known->second);
  }
}

asio::awaitable<void> claim_all(writer& w) {
  const server_name server = w.any_server();
  change what = any_change(w, w.session, server);
  const auto asked = now();
  const auto written = co_await w.state->put(std::move(what));
  w.note("put for a session", asked, written);
  const auto signed_in = now();
  const auto claimed = co_await w.state->claim(w.session, w.user);
  w.note("claim", signed_in, claimed);
}

asio::awaitable<void> one_step(writer& w) {
  const auto dice = w.below(100);
  const std::optional<server_name> all;
  const auto asked = now();
  if (dice < 40) co_return co_await put_any(w);
  if (dice < 55) co_return co_await put_on_basis(w);
  if (dice < 70) co_return co_await list_all(w);
  if (dice < 80) co_return w.note("touch", asked, co_await w.state->touch(w.user, all));
  if (dice < 90) {
    const std::optional<server_name> server = w.any_server();
    const std::optional<basis> whatever;
    co_return w.note("disconnect", asked, co_await w.state->disconnect(w.user, server, whatever));
  }
  if (dice < 93) {
    const std::optional<basis> whatever;
    co_return w.note("disconnect all", asked, co_await w.state->disconnect(w.user, all, whatever));
  }
  if (dice < 98) co_return co_await claim_all(w);
  w.note("clear", asked, co_await w.state->erase(w.user));
}

asio::awaitable<void> work(writer& w) {
  while ((now() < w.end || w.steps < least_steps) && w.faults.empty()) {
    ++w.steps;
    co_await one_step(w);
  }
}

asio::awaitable<void> run(writer& w, std::string url, std::chrono::seconds how_long) {
  const store_options options;
  auto executor = co_await asio::this_coro::executor;
  auto opened = co_await open_store(executor, url, options);
  if (!opened) co_return w.fault(opened.error().full_text());
  w.state = std::move(*opened);
  w.end = aio::after(how_long);
  for (int i = 0; i < hands; ++i) w.group.spawn("hand", work(w));
  co_await w.group.join();
  co_await w.state->close();
}

template <class Number>
std::string object(const std::map<std::string, Number>& of) {
  std::string out = "{";
  for (const auto& [name, n] : of) out += (out.size() == 1 ? "\"" : ",\"") + name + "\":" + std::to_string(n);
  return out + "}";
}

void print(const writer& w) {
  std::cout << "{\"done\":" << object(w.done) << ",\"slowest\":" << object(w.slowest) << ",\"highest\":" << object(w.highest)
            << "}" << std::endl;
  for (const auto& f : w.faults) std::cerr << f << std::endl;
}

}  // namespace
}  // namespace mcpstate

int main(int argc, char** argv) {
  using namespace mcpstate;
  if (argc != 4) {
    std::cerr << "usage: stress_writer URL SECONDS SEED" << std::endl;
    return 2;
  }
  asio::io_context io(1);
  writer w(io, std::stoull(argv[3]));
  asio::co_spawn(io, run(w, argv[1], std::chrono::seconds(std::stol(argv[2]))), [](std::exception_ptr e) {
    if (e) std::rethrow_exception(e);
  });
  io.run();
  print(w);
  return w.faults.empty() ? 0 : 1;
}
