// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <type_traits>

#include <mcpstate/core/error.hpp>

namespace mcpstate {
namespace {

struct known_code {
  errc code;
  const char* name;
  cond condition;
};

// The contract: a caller that branches on conditions relies on every line of it.
constexpr known_code all_codes[] = {
    {errc::bad_owner, "bad_owner", cond::invalid},
    {errc::bad_name, "bad_name", cond::invalid},
    {errc::bad_tools, "bad_tools", cond::invalid},
    {errc::too_large, "too_large", cond::exhausted},
    {errc::bad_url, "bad_url", cond::invalid},
    {errc::bad_argument, "bad_argument", cond::invalid},
    {errc::bad_backup, "bad_backup", cond::invalid},
    {errc::empty_tools, "empty_tools", cond::invalid},
    {errc::forbidden_target, "forbidden_target", cond::invalid},
    {errc::no_record, "no_record", cond::not_found},
    {errc::stale_basis, "stale_basis", cond::conflict},
    {errc::lease_lost, "lease_lost", cond::conflict},
    {errc::kept_elsewhere, "kept_elsewhere", cond::conflict},
    {errc::wrong_type, "wrong_type", cond::corrupt},
    {errc::junk_record, "junk_record", cond::corrupt},
    {errc::too_many_connections, "too_many_connections", cond::exhausted},
    {errc::tools_too_large, "tools_too_large", cond::exhausted},
    {errc::resolve_failed, "resolve_failed", cond::unavailable},
    {errc::connect_failed, "connect_failed", cond::unavailable},
    {errc::tls_failed, "tls_failed", cond::unavailable},
    {errc::connection_lost, "connection_lost", cond::unavailable},
    {errc::outcome_unknown, "outcome_unknown", cond::outcome_unknown},
    {errc::not_replicated, "not_replicated", cond::outcome_unknown},
    {errc::deadline, "deadline", cond::timeout},
    {errc::stopped, "stopped", cond::cancelled},
    {errc::auth_failed, "auth_failed", cond::unauthorized},
    {errc::protocol, "protocol", cond::corrupt},
    {errc::unsupported, "unsupported", cond::unavailable},
    {errc::loading, "loading", cond::unavailable},
    {errc::read_only, "read_only", cond::unavailable},
    {errc::out_of_memory, "out_of_memory", cond::exhausted},
    {errc::queue_full, "queue_full", cond::exhausted},
    {errc::busy, "busy", cond::exhausted},
    {errc::server_error, "server_error", cond::unavailable},
    {errc::disk_full, "disk_full", cond::exhausted},
    {errc::storage_failed, "storage_failed", cond::unavailable},
    {errc::spawn_failed, "spawn_failed", cond::unavailable},
    {errc::spawn_refused, "spawn_refused", cond::unavailable},
    {errc::child_exited, "child_exited", cond::unavailable},
    {errc::http_status, "http_status", cond::unavailable},
    {errc::rpc_error, "rpc_error", cond::unavailable},
    {errc::bug, "bug", cond::internal},
};

TEST(Error, HasANameAndAConditionForEachCode) {
  // The codes are consecutive from 1 and `bug` is the last: a new one that is missing here fails.
  EXPECT_EQ(std::size(all_codes), static_cast<std::size_t>(errc::bug));
  std::set<std::string> names;
  for (const known_code& known : all_codes) {
    EXPECT_EQ(name_of(known.code), known.name);
    EXPECT_EQ(name_of(condition_of(known.code)), name_of(known.condition)) << known.name;
    EXPECT_TRUE(error(known.code, "").is(known.condition)) << known.name;
    names.insert(std::string(name_of(known.code)));
  }
  EXPECT_EQ(names.size(), std::size(all_codes));
}

TEST(Error, HasANameAndACodeForEachCondition) {
  std::set<std::string_view> names;
  std::set<cond> reached;
  for (int c = static_cast<int>(cond::not_found); c <= static_cast<int>(cond::internal); ++c) {
    names.insert(name_of(static_cast<cond>(c)));
  }
  for (const known_code& known : all_codes) reached.insert(known.condition);
  EXPECT_EQ(names.size(), 11U);
  EXPECT_EQ(reached.size(), 11U);
}

// Nothing that was left out may pass for an error that somebody has met.
TEST(Error, HasNoDefault) {
  EXPECT_FALSE(std::is_default_constructible_v<error>);
  EXPECT_TRUE(error(errc::bug, "").is(cond::internal));
}

// Metrics and problem types of running installations hold these words.
TEST(Error, KeepsThePrintedNamesOfALostAnswer) {
  EXPECT_EQ(name_of(errc::outcome_unknown), "outcome_unknown");
  EXPECT_EQ(name_of(cond::outcome_unknown), "unknown_outcome");
}

TEST(Error, KeepsDetailAndPeerTextApart) {
  const error e(errc::rpc_error, "call user:42 github", "no such tool");
  EXPECT_EQ(e.detail(), "call user:42 github");
  EXPECT_EQ(e.peer_text(), "no such tool");
  EXPECT_EQ(e.full_text(), "call user:42 github: no such tool");
  EXPECT_EQ(error(errc::rpc_error, "only ours").full_text(), "only ours");
  EXPECT_EQ(error(errc::rpc_error, "", "only theirs").full_text(), "only theirs");
}

TEST(Error, ThrowsFromValueOfAFailedResult) {
  const result<int> failed = error(errc::no_record, "user:42 github");
  try {
    (void)failed.value();
    FAIL() << "nothing was thrown";
  } catch (const error_exception& thrown) {
    EXPECT_EQ(thrown.get().code(), errc::no_record);
    EXPECT_STREQ(thrown.what(), "user:42 github");
  }
}

TEST(Error, MakesAResultHoldAValueOrAnError) {
  const result<std::string> good = std::string("yes");
  EXPECT_TRUE(good);
  EXPECT_EQ(*good, "yes");
  const result<void> nothing;
  EXPECT_TRUE(nothing);
  const result<void> bad = error(errc::deadline, "");
  EXPECT_FALSE(bad);
  EXPECT_TRUE(bad.error().is(cond::timeout));
}

}  // namespace
}  // namespace mcpstate
