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
    std::shared_ptr<store> handle = second ? only_.lock() : nullptr;
    if (!handle) handle = make_memory_store(executor, std::move(options));
    only_ = handle;
    co_return handle;
  }
  asio::awaitable<void> pass(std::chrono::milliseconds time) override {
    clock_.advance(time);
    co_return;
  }
  [[nodiscard]] bool has_manual_clock() const override { return true; }

 private:
  manual_clock clock_;
  std::weak_ptr<store> only_;  // it must not outlive its executor
};

const bool memory_registered = register_store({"memory", [] { return std::make_unique<memory_data>(); }});

}  // namespace

}  // namespace mcpstate::test
