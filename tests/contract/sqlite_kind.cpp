// SPDX-License-Identifier: MIT
#include <mcpstate/open_store.hpp>

#include "contract/store_contract.hh"
#include "support/manual_clock.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {

namespace {

class sqlite_data final : public store_data {
 public:
  // Each handle has a connection and a thread of its own, as in another process.
  task<std::shared_ptr<store>> open(asio::any_io_executor executor, store_options options, bool) override {
    options.clock = &clock_;
    auto opened = co_await open_sqlite_store(executor, directory_.file("state.db"), std::move(options));
    if (!opened) co_return opened.error();
    co_return std::shared_ptr<store>(std::move(*opened));
  }
  asio::awaitable<void> pass(std::chrono::milliseconds time) override {
    clock_.advance(time);
    co_return;
  }
  [[nodiscard]] bool has_manual_clock() const override { return true; }

 private:
  temp_dir directory_;
  manual_clock clock_;
};

const bool sqlite_registered = register_store({"sqlite", [] { return std::make_unique<sqlite_data>(); }});

}  // namespace

}  // namespace mcpstate::test
