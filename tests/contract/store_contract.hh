// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/store.hpp>

#include "support/co_test.hh"

// One suite for every store. A store takes part by one line in a source file of its own:
//
//     const bool registered = register_store({"redis", [] { return std::make_unique<redis_data>(); }});
namespace mcpstate::test {

// One set of data, empty at first, gone with the object.
class store_data {
 public:
  virtual ~store_data() = default;
  // A handle on it. `second` is one that shares nothing with the first but the data; for a store within this process it may
  // be the same. The options come with a short TTL where the clock is not ours.
  virtual task<std::shared_ptr<store>> open(asio::any_io_executor executor, store_options options, bool second) = 0;
  // Lets this much time pass on the clock by which the store's records expire.
  virtual asio::awaitable<void> pass(std::chrono::milliseconds time) = 0;
  // True: pass() costs nothing, and the clock stands still otherwise.
  [[nodiscard]] virtual bool has_manual_clock() const = 0;
};

struct store_kind {
  std::string name;
  std::function<std::unique_ptr<store_data>()> make;
};
void PrintTo(const store_kind& kind, std::ostream* out);  // for GoogleTest
[[nodiscard]] std::vector<store_kind>& store_kinds();
bool register_store(store_kind kind);

// What a test works on: two handles on the same data.
struct store_pair {
  store_data& data;
  store& a;
  store& b;
};
using store_test = asio::awaitable<void> (*)(store_pair on);

class Store : public ::testing::TestWithParam<store_kind> {
 protected:
  void run(store_test body, store_options options = {}, std::chrono::seconds guard = std::chrono::seconds(60));
};

// Shorthand of the tests.
[[nodiscard]] owner user(std::string_view id);
[[nodiscard]] owner session(std::string_view key);
[[nodiscard]] server_name server(std::string_view name);
[[nodiscard]] tools_list tools(std::string bytes);
// put() of a status, and of tools unless they are empty text.
task<connection> write(store& to, owner who, server_name name, status state, std::string tools_text = {});
// get() of a record that has to be there, with its tools.
task<connection> read(store& from, owner who, server_name name);
[[nodiscard]] std::string names_of(const std::vector<connection>& list);  // "a b c"

// The records a watcher has been told of, as "user:1 a CONNECTED@revision", by owner and name; applied event by event.
class watched {
 public:
  explicit watched(std::unique_ptr<watcher> from) : from_(std::move(from)) {}
  // Reads one event and applies it; false on an error, which is then in last_error.
  asio::awaitable<bool> step();
  // Reads until the snapshot is complete.
  asio::awaitable<bool> until_ready();
  // Reads until all() is this text; false after the limit.
  asio::awaitable<bool> until(std::string text, std::chrono::milliseconds limit = std::chrono::seconds(10));
  [[nodiscard]] std::string all() const;  // "user:1/a=CONNECTED user:1/b=FAILED"
  [[nodiscard]] std::size_t events() const noexcept { return events_; }
  [[nodiscard]] const std::optional<error>& last_error() const noexcept { return error_; }
  [[nodiscard]] bool ready() const noexcept { return ready_; }
  [[nodiscard]] watcher& source() noexcept { return *from_; }

 private:
  std::unique_ptr<watcher> from_;
  std::vector<std::pair<std::string, std::string>> records_;
  std::size_t events_ = 0;
  bool ready_ = false;
  std::optional<error> error_;
};

}  // namespace mcpstate::test

// A contract test: a coroutine with `on`, once per store.
#define STORE_TEST(Name) CO_TEST_STARTED(TEST_P, Store, Name, ([[maybe_unused]] store_pair on), run(body))
// The same with options of its own.
#define STORE_TEST_WITH(Name, options) \
  CO_TEST_STARTED(TEST_P, Store, Name, ([[maybe_unused]] store_pair on), run(body, options))
