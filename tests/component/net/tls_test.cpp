// SPDX-License-Identifier: MIT
// The certificates to trust: read once for all who trust the same file, and again when it has changed.
#include "net/tls.hh"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "component/mcp/http_fixture.hh"
#include "http/pool.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

std::string written(const temp_dir& dir, const std::string& name, const std::string& text) {
  const std::string path = dir.file(name);
  // A new file, as whoever replaces certificates makes one.
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
  return path;
}

net::tls_context context_of(const std::string& ca_file) { return net::shared_tls_context(net::tls_files(ca_file)).value(); }

TEST(TlsContext, IsSharedPerFile) {
  const temp_dir dir;
  const std::string pem = make_certificate().certificate_pem;
  const std::string file = written(dir, "ca.pem", pem);
  const std::string other = written(dir, "other.pem", pem);
  const auto first = context_of(file);
  EXPECT_EQ(context_of(file), first);
  EXPECT_NE(context_of(other), first);
  EXPECT_EQ(context_of(""), context_of("")) << "the system's certificates";
  EXPECT_NE(context_of(""), first);
  EXPECT_EQ(context_of(file), first);
}

// It is kept while nobody uses it: one server that is down must not have the file read with every attempt.
TEST(TlsContext, IsKeptBetweenUses) {
  const temp_dir dir;
  const std::string file = written(dir, "ca.pem", make_certificate().certificate_pem);
  const std::weak_ptr<asio::ssl::context> first = context_of(file);
  ASSERT_FALSE(first.expired());
  EXPECT_EQ(context_of(file), first.lock());
}

TEST(TlsContext, IsRenewedForAChangedFile) {
  const temp_dir dir;
  const std::string file = written(dir, "ca.pem", make_certificate().certificate_pem);
  const auto first = context_of(file);
  written(dir, "ca.pem", make_certificate().certificate_pem);
  const auto second = context_of(file);
  EXPECT_NE(second, first);
  EXPECT_EQ(context_of(file), second);
}

TEST(TlsContext, NamesTheFileThatItCannotRead) {
  const temp_dir dir;
  const auto absent = net::shared_tls_context(net::tls_files("/nowhere/ca.pem"));
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(name_of(absent.error().code()), name_of(errc::tls_failed));
  EXPECT_NE(absent.error().detail().find("cannot read /nowhere/ca.pem: "), std::string::npos) << absent.error().detail();
  const std::string junk = written(dir, "ca.pem", "no certificate");
  EXPECT_FALSE(net::shared_tls_context(net::tls_files(junk)).has_value());
  written(dir, "ca.pem", make_certificate().certificate_pem);
  EXPECT_TRUE(net::shared_tls_context(net::tls_files(junk)).has_value()) << "a failure is not kept";
}

TEST(TlsContext, OutlivesItsRemovalFromAFullCache) {
  const temp_dir dir;
  const std::string pem = make_certificate().certificate_pem;
  const std::string file = written(dir, "ca.pem", pem);
  const auto used = context_of(file);
  std::weak_ptr<asio::ssl::context> unused;
  for (int i = 0; i < 20; ++i) {
    const auto other = context_of(written(dir, "ca" + std::to_string(i) + ".pem", pem));
    if (i == 0) unused = other;
  }
  EXPECT_TRUE(unused.expired());
  EXPECT_EQ(used.use_count(), 1);
  EXPECT_NE(context_of(file), used);
}

http::pool_options options_with(const std::string& ca_file) {
  http::pool_options out;
  out.url = "https://localhost:1/";
  out.ca_file = ca_file;
  return out;
}

TEST(TlsContext, IsSharedByPools) {
  const temp_dir dir;
  const std::string file = written(dir, "ca.pem", make_certificate().certificate_pem);
  asio::io_context io;
  const auto shared = context_of(file);
  const auto before = shared.use_count();
  http::pool one(io.get_executor(), options_with(file));
  http::pool two(io.get_executor(), options_with(file));
  ASSERT_TRUE(one.prepare().has_value());
  EXPECT_EQ(shared.use_count(), before + 1);
  ASSERT_TRUE(two.prepare().has_value());
  EXPECT_EQ(shared.use_count(), before + 2);
}

TEST(TlsContext, RefusesAPoolWithAnUnreadableFile) {
  asio::io_context io;
  http::pool one(io.get_executor(), options_with("/nowhere/ca.pem"));
  const auto prepared = one.prepare();
  ASSERT_FALSE(prepared.has_value());
  EXPECT_EQ(name_of(prepared.error().code()), name_of(errc::bad_argument));
}

}  // namespace
}  // namespace mcpstate::test
