// SPDX-License-Identifier: MIT
// The library as an MCP client, against the server at --url. With --once: one connection, one list, the end. Otherwise it
// talks to bench/run_client over stdin and stdout, see slices.py; what it can do is in contender_client.mjs, which does the
// same.
#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/mcp/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "orders.hh"
#include "slices.hh"

namespace mcpstate::bench {
namespace {

// What of this process is in memory now.
std::size_t resident_kb() {
  std::ifstream in("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  in >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

class contender {
 public:
  contender(asio::any_io_executor executor, const arguments& given)
      : executor_(std::move(executor)),
        url_(option_of(given, "--url")),
        wanted_(std::stoul(option_of(given, "--connections", "0"))) {
    if (option_of(given, "--era") == "legacy") options_.protocol = mcp::era_choice::legacy;
  }

  // One connection from its opening to its end; answers how many bytes of tools there are.
  asio::awaitable<std::size_t> once() {
    auto opened = co_await open();
    auto listed = co_await opened->list_tools();
    if (!listed) throw std::runtime_error(listed.error().detail());
    co_await opened->close();
    co_return listed->tools.bytes().size();
  }

  asio::awaitable<void> say_once() {
    const std::size_t got = co_await once();
    say(std::to_string(got));
  }

  asio::awaitable<void> serve() {
    asio::posix::stream_descriptor in(executor_, ::dup(STDIN_FILENO));
    std::string buffered;
    for (;;) {
      const auto what = parse_order(co_await read_line(in, buffered));
      if (!what) break;
      say("ready");
      co_await read_line(in, buffered);
      say(co_await run(*what));
    }
    for (auto& each : idle_) co_await each->close();
  }

 private:
  asio::awaitable<std::unique_ptr<mcp::client>> open() {
    mcp::http_target there;
    there.url = url_;
    auto opened = co_await mcp::connect(executor_, std::move(there), options_);
    if (!opened) throw std::runtime_error(opened.error().detail() + " " + opened.error().peer_text());
    co_return std::move(*opened);
  }

  asio::awaitable<std::string> run(order what) {
    stopwatch watch(what);
    aio::task_group all(executor_, aio::end_process);
    for (std::size_t i = 0; i < what.in_flight; ++i) {
      if (what.op == "handshake") all.spawn("handshake", handshakes(&watch));
      if (what.op == "hold") all.spawn("hold", hold(&watch));
      if (what.op == "touch") all.spawn("touch", touch(&watch, i, what.in_flight));
      if (what.op == "call") all.spawn("call", calls(&watch));
    }
    co_await all.join();
    std::string out = watch.result();
    out.insert(1, "\"resident_kb\":" + std::to_string(resident_kb()) + ",");
    co_return out;
  }

  asio::awaitable<void> handshakes(stopwatch* watch) {
    do {
      watch->done(co_await once() > 0);
    } while (watch->running());
  }

  asio::awaitable<void> hold(stopwatch* watch) {
    while (opened_ < wanted_) {
      ++opened_;
      auto opened = co_await open();
      idle_.push_back(std::move(opened));
      watch->done(true);
    }
  }

  asio::awaitable<bool> call(mcp::client& over) {
    std::string tool = "echo", words = R"({"message":"hello"})";
    mcp::call_options options;
    auto answer = co_await over.call_tool(std::move(tool), std::move(words), std::move(options));
    co_return answer && answer->body.find("Echo: hello") != std::string::npos;
  }

  // A call over each of the connections.
  asio::awaitable<void> touch(stopwatch* watch, std::size_t first, std::size_t stride) {
    for (std::size_t i = first; i < idle_.size(); i += stride) watch->done(co_await call(*idle_[i]));
  }

  // Each call over the connection that has been idle longest.
  asio::awaitable<void> calls(stopwatch* watch) {
    while (watch->running()) {
      auto mine = std::move(idle_.front());
      idle_.pop_front();
      watch->done(co_await call(*mine));
      idle_.push_back(std::move(mine));
    }
  }

  asio::any_io_executor executor_;
  std::string url_;
  std::size_t wanted_;
  mcp::client_options options_;
  std::size_t opened_ = 0;
  std::deque<std::unique_ptr<mcp::client>> idle_;
};

}  // namespace
}  // namespace mcpstate::bench

int main(int argc, char** argv) {
  using namespace mcpstate;
  const bench::arguments given(argv + 1, argv + argc);
  asio::io_context context(1);
  bench::contender one(context.get_executor(), given);
  int status = EXIT_SUCCESS;
  auto ended = [&status](std::exception_ptr failed) {
    if (!failed) return;
    status = EXIT_FAILURE;
    try {
      std::rethrow_exception(failed);
    } catch (const std::exception& e) {
      std::cerr << e.what() << "\n";
    }
  };
  const bool once = !bench::option_of(given, "--once").empty();
  asio::co_spawn(context, once ? one.say_once() : one.serve(), ended);
  context.run();
  return status;
}
