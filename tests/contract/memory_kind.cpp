// SPDX-License-Identifier: MIT
#include <mcpstate/open_store.hpp>

#include "contract/store_contract.hh"
#include "support/manual_clock.hh"

namespace mcpstate::test {

namespace {

class memory_data final : public store_data {
 public:
  task<std::shared_ptr<store>> open(asio::any_io_executor executor, store_options options, bool second) override {
    options.clock = &clock_;
    // A store that lives in one process has one handle.
    if (!second || !only_) only_ = make_memory_store(executor, std::move(options));
    co_return only_;
  }
  asio::awaitable<void> pass(std::chrono::milliseconds time) override {
    clock_.advance(time);
    co_return;
  }
  [[nodiscard]] bool has_manual_clock() const override { return true; }

 private:
  manual_clock clock_;
  std::shared_ptr<store> only_;
};

const bool registered = register_store({"memory", [] { return std::make_unique<memory_data>(); }});

}  // namespace

}  // namespace mcpstate::test
