// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "cli/reach/exit_code.hh"
#include "cli/view/error_text.hh"

namespace mcpstate::cli {
namespace {

int of(errc code) { return exit_code_of(error(code, "x"), error_source::store); }

TEST(ExitCode, Is1WhenTheAnswerIsNo) {
  EXPECT_EQ(of(errc::no_record), 1);
  EXPECT_EQ(of(errc::stale_basis), 1);
}

TEST(ExitCode, Is2ForWrongUsage) {
  for (const auto code :
       {errc::bad_owner, errc::bad_name, errc::bad_tools, errc::bad_url, errc::bad_argument, errc::empty_tools}) {
    EXPECT_EQ(of(code), 2) << name_of(code);
  }
  EXPECT_EQ(exit_code_of(error(errc::too_large, "x"), error_source::input), 2);
}

TEST(ExitCode, Is3WhenTheStoreCannotServe) {
  for (const auto code : {errc::resolve_failed, errc::connect_failed, errc::tls_failed, errc::connection_lost,
                          errc::outcome_unknown, errc::deadline, errc::auth_failed, errc::protocol, errc::unsupported,
                          errc::loading, errc::read_only, errc::out_of_memory, errc::queue_full, errc::server_error,
                          errc::disk_full, errc::storage_failed, errc::wrong_type}) {
    EXPECT_EQ(of(code), 3) << name_of(code);
  }
}

TEST(ErrorLine, ShowsTheAdviceAndThePeersWords) {
  EXPECT_EQ(store_error_text(error(errc::auth_failed, "redis h:1", "WRONGPASS invalid")),
            "redis h:1; check user and password in the store's URL (it says: WRONGPASS invalid)");
  EXPECT_EQ(store_error_text(error(errc::bad_name, "a name is empty")), "a name is empty");
}

TEST(ErrorLine, OmitsTheAdviceWhenTheDetailHasSome) {
  EXPECT_EQ(store_error_text(error(errc::storage_failed, "x is no database; move it away")),
            "x is no database; move it away");
}

}  // namespace
}  // namespace mcpstate::cli
