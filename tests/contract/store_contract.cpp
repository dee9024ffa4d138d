// SPDX-License-Identifier: MIT
#include "contract/store_contract.hh"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <utility>

namespace mcpstate::test {

std::vector<store_kind>& store_kinds() {
  static std::vector<store_kind> kinds;
  return kinds;
}

void PrintTo(const store_kind& kind, std::ostream* out) { *out << kind.name; }

bool register_store(store_kind kind) {
  store_kinds().push_back(std::move(kind));
  return true;
}

namespace {

asio::awaitable<void> with_pair(asio::io_context& io, store_data& data, store_options options, store_test body) {
  auto a = co_await data.open(io.get_executor(), options, false);
  CO_ASSERT_OK(a);
  auto b = co_await data.open(io.get_executor(), options, true);
  CO_ASSERT_OK(b);
  const store_pair both{data, **a, **b};
  co_await body(both);
  co_await (*a)->close();
  if (*a != *b) co_await (*b)->close();
}

}  // namespace

void Store::run(store_test body, store_options options, std::chrono::seconds guard) {
  const auto data = GetParam().make();
  run_co_test([&](asio::io_context& io) { return with_pair(io, *data, options, body); }, guard);
}

owner user(std::string_view id) { return owner::user(id).value(); }
owner session(std::string_view key) { return owner::session(key).value(); }
server_name server(std::string_view name) { return server_name::parse(name).value(); }
tools_list tools(std::string bytes) { return tools_list::parse(std::move(bytes)).value(); }

task<connection> write(store& to, owner who, server_name name, status state, std::string tools_text) {
  change what(std::move(who), std::move(name), state);
  if (!tools_text.empty()) what.tools(tools(std::move(tools_text)));
  co_return co_await to.put(std::move(what));
}

task<connection> read(store& from, owner who, server_name name) {
  auto got = co_await from.get(std::move(who), std::move(name), tools_wanted::yes);
  if (!got) co_return got.error();
  if (!*got) co_return error(errc::no_record, "there is no such record");
  co_return std::move(**got);
}

std::string names_of(const std::vector<connection>& list) {
  std::string out;
  for (const auto& c : list) out += (out.empty() ? "" : " ") + c.server;
  return out;
}

asio::awaitable<bool> watched::step() {
  auto got = co_await from_->next();
  if (!got) {
    error_ = got.error();
    co_return false;
  }
  ++events_;
  if (got->what == event::kind::ready) ready_ = true;
  if (!got->record) co_return true;
  const auto name = got->record->owner.text() + "/" + got->record->server;
  const auto same = [&name](const auto& r) { return r.first == name; };
  records_.erase(std::remove_if(records_.begin(), records_.end(), same), records_.end());
  if (got->what == event::kind::present) records_.emplace_back(name, std::string(to_text(got->record->state)));
  std::sort(records_.begin(), records_.end());
  co_return true;
}

asio::awaitable<bool> watched::until_ready() {
  using namespace asio::experimental::awaitable_operators;
  while (!ready_) {
    auto either = step() || aio::wait_until(aio::after(std::chrono::seconds(10)));
    const auto ended = co_await std::move(either);
    if (ended.index() == 1 || !std::get<0>(ended)) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> watched::until(std::string text, std::chrono::milliseconds limit) {
  using namespace asio::experimental::awaitable_operators;
  const auto end = aio::after(limit);
  while (all() != text) {
    auto either = step() || aio::wait_until(end);
    const auto ended = co_await std::move(either);
    if (ended.index() == 1 || !std::get<0>(ended)) co_return false;
  }
  co_return true;
}

std::string watched::all() const {
  std::string out;
  for (const auto& [name, state] : records_) out += (out.empty() ? "" : " ") + name + "=" + state;
  return out;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Store);
INSTANTIATE_TEST_SUITE_P(Kinds, Store, ::testing::ValuesIn(store_kinds()), [](const auto& one) { return one.param.name; });

}  // namespace mcpstate::test
