// SPDX-License-Identifier: MIT
// Every public type that a coroutine takes by value, passed to one as a temporary. tools/coroutine_types compares this list with
// the headers. What must not happen: GCC 12 destroys a temporary of an aggregate twice in an expression with co_await.
#include <type_traits>

#include <mcpstate/manager.hpp>
#include <mcpstate/open_store.hpp>

#include "support/co_test.hh"

namespace mcpstate::test {
namespace {

template <class... Types>
constexpr bool none_is_an_aggregate = (!std::is_aggregate_v<Types> && ...);
static_assert(none_is_an_aggregate<basis, mcp::call_options, change, mcp::client_options, connection, endpoint,
                                   mcp::http_target, instance_report, lease, lease_request, managed_name, owner, server_name,
                                   mcp::stdio_target, store_options, store_url, watch_options>);
// What users fill in and pass on by way of these.
static_assert(
    none_is_an_aggregate<details, failure, manager_options, registered_server, mcp::egress_policy, mcp::connect_step>);

template <class T>
asio::awaitable<int> take(T taken) {
  static_cast<void>(taken);
  co_return 1;
}

// What rule 1 of CONTRIBUTING.md forbids here, and what users write all the same.
#define BRACED \
  T {}

template <class T>
asio::awaitable<void> pass_temporaries(asio::io_context&) {
  int sum = 0;
  sum += co_await take<T>(BRACED);
  sum += co_await take<std::optional<T>>(BRACED);
  EXPECT_EQ(sum, 2);
}

template <class T>
class CoroutineParameters : public testing::Test {};
using made_from_nothing =
    testing::Types<basis, mcp::call_options, mcp::client_options, endpoint, mcp::http_target, instance_report,
                   mcp::stdio_target, store_options, store_url, watch_options, details, failure, manager_options>;
TYPED_TEST_SUITE(CoroutineParameters, made_from_nothing);

TYPED_TEST(CoroutineParameters, AreNotDestroyedTwice) { run_co_test(pass_temporaries<TypeParam>); }

}  // namespace
}  // namespace mcpstate::test
