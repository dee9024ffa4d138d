// SPDX-License-Identifier: MIT
// The library doing connects and lists, over whatever store --store names: as many coroutines as operations in flight, each
// put() based on the record that the last one answered. Talks to bench/run over stdin and stdout: see slices.py.
#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/open_store.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>

#include "orders.hh"
#include "slices.hh"

namespace mcpstate::bench {
namespace {

class contender {
 public:
  contender(asio::any_io_executor executor, workload work)
      : executor_(std::move(executor)), work_(std::move(work)), tools_(tools_list::parse(work_.tools).value()) {
    for (std::size_t i = 0; i < work_.owners; ++i) owners_.push_back(owner::user(std::to_string(i + 1)).value());
    for (const auto& name : server_names) servers_.push_back(server_name::parse(name).value());
  }

  asio::awaitable<void> serve(std::string url) {
    store_options options;
    auto opened = co_await open_store(executor_, std::move(url), options);
    if (!opened) throw std::runtime_error(opened.error().detail());
    store_ = std::move(*opened);
    asio::posix::stream_descriptor in(executor_, ::dup(STDIN_FILENO));
    std::string buffered;
    for (;;) {
      const auto what = parse_order(co_await read_line(in, buffered));
      if (!what) break;
      if (what->op == "connect") co_await read_bases(what->in_flight);
      say("ready");
      co_await read_line(in, buffered);
      say(co_await run(*what));
    }
    co_await store_->close();
  }

 private:
  // Others write the same records between our slices: a chain of writes begins with what is there.
  asio::awaitable<void> read_bases(std::size_t in_flight) {
    records_.assign(work_.records(), connection(owners_.front(), std::string()));
    aio::task_group all(executor_, aio::end_process);
    for (std::size_t i = 0; i < in_flight; ++i) all.spawn("read", read_some(i, in_flight));
    co_await all.join();
  }

  asio::awaitable<void> read_some(std::size_t first, std::size_t stride) {
    for (std::size_t i = first; i < work_.owners; i += stride) {
      auto found = co_await store_->list(owners_[i], tools_wanted::no);
      if (!found || (*found)->size() != servers_each) throw std::runtime_error("records are missing: fill first");
      for (std::size_t k = 0; k < servers_each; ++k) records_[i * servers_each + k] = std::move((**found)[k]);
    }
  }

  asio::awaitable<std::string> run(order what) {
    stopwatch watch(what);
    aio::task_group all(executor_, aio::end_process);
    for (std::size_t i = 0; i < what.in_flight; ++i) {
      if (what.op == "connect") all.spawn("connect", connect(&watch));
      if (what.op == "list") all.spawn("list", list(&watch));
      if (what.op == "fill") all.spawn("fill", fill(&watch, i, what.in_flight));
    }
    if (what.op == "check") all.spawn("check", check(&watch));
    co_await all.join();
    co_return watch.result();
  }

  asio::awaitable<void> connect(stopwatch* watch) {
    while (watch->running()) {
      connection& record = records_[work_.next_record()];
      change up(record, status::connected);
      up.tools(tools_);
      auto written = co_await store_->put(std::move(up));
      watch->done(written.has_value());
      if (written) record = std::move(*written);
    }
  }

  asio::awaitable<void> list(stopwatch* watch) {
    while (watch->running()) {
      auto found = co_await store_->list(owners_[work_.next_owner()], tools_wanted::yes);
      watch->done(found && (*found)->size() == servers_each && (*found)->front().tools);
    }
  }

  asio::awaitable<void> fill(stopwatch* watch, std::size_t first, std::size_t stride) {
    for (std::size_t i = first; i < work_.records(); i += stride) {
      change up(owners_[workload::owner_of(i)], servers_[workload::server_of(i)], status::connected);
      up.tools(tools_);
      const auto written = co_await store_->put(std::move(up));
      watch->done(written.has_value());
    }
  }

  asio::awaitable<void> check(stopwatch* watch) {
    const std::size_t stride = std::max<std::size_t>(1, work_.owners / 20);
    for (std::size_t i = 0; i < work_.owners; i += stride) {
      auto found = co_await store_->list(owners_[i], tools_wanted::yes);
      bool right = found && (*found)->size() == servers_each;
      for (std::size_t k = 0; right && k < servers_each; ++k) {
        const connection& one = (**found)[k];
        right = one.server == server_names[k] && one.connected() && one.tools && *one.tools == work_.tools &&
                one.problems.empty() && !one.altered;
      }
      watch->done(right);
    }
  }

  asio::any_io_executor executor_;
  workload work_;
  tools_list tools_;
  std::vector<owner> owners_;
  std::vector<server_name> servers_;
  std::vector<connection> records_;  // as last read or written, by number
  std::unique_ptr<store> store_;
};

}  // namespace
}  // namespace mcpstate::bench

int main(int argc, char** argv) {
  using namespace mcpstate;
  const bench::arguments given(argv + 1, argv + argc);
  asio::io_context context(1);
  bench::contender one(context.get_executor(), bench::workload_of(given));
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
  asio::co_spawn(context, one.serve(bench::option_of(given, "--store")), ended);
  context.run();
  return status;
}
