// SPDX-License-Identifier: MIT
// Certificates of clients, and files that change while a link lives.
#include <filesystem>
#include <fstream>

#include "component/redis/link_fixture.hh"
#include "support/authority.hh"

namespace mcpstate::redis {
namespace {

using test::authority;
using test::issued_certificate;
using test::temp_dir;

// Takes the place of the file at once, as whoever renews certificates has it done.
void replace_file(const std::string& path, const std::string& text) {
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// A server that asks for client certificates, as Redis does where nothing else is said.
class LinkCertificates : public testing::Test {
 public:
  static void SetUpTestSuite() {
    trusted_ = new authority;
    foreign_ = new authority;
    const auto shown = trusted_->issue("server", "DNS:localhost");
    server_ = new redis_server(options_with(shown));
  }
  static void TearDownTestSuite() {
    delete server_;
    delete trusted_;
    delete foreign_;
  }
  static redis_options options_with(const issued_certificate& shown) {
    redis_options out;
    out.tls = true;
    out.args = {"--tls-auth-clients", "yes",
                "--tls-ca-cert-file", trusted_->certificate(),
                "--tls-cert-file",    shown.certificate,
                "--tls-key-file",     shown.key,
                "--requirepass",      "first"};
    return out;
  }
  static redis_server& server() { return *server_; }
  static const authority& trusted() { return *trusted_; }
  static const authority& foreign() { return *foreign_; }

  // Trusts the server and shows nothing.
  static link_config plain() {
    link_config out = tcp_of(server());
    out.host = "localhost";
    out.tls = true;
    out.ca_file = trusted().certificate();
    out.password = "first";
    out.backoff_min = out.backoff_max = milliseconds(20);
    return out;
  }
  static link_config showing(const issued_certificate& one) {
    link_config out = plain();
    out.cert_file = one.certificate;
    out.key_file = one.key;
    return out;
  }

 private:
  static inline authority* trusted_ = nullptr;
  static inline authority* foreign_ = nullptr;
  static inline redis_server* server_ = nullptr;
};

asio::awaitable<void> is_refused(asio::io_context& context, link_config config, errc code, std::string words) {
  observed_link one(context, config);
  auto hello = co_await one.to.ready(after(seconds(8)));
  CO_ASSERT_FAILS(hello, code);
  EXPECT_NE(hello.error().full_text().find(words), std::string::npos) << hello.error().full_text();
  EXPECT_TRUE(one.states.empty());
  co_await one.to.close();
}

asio::awaitable<void> is_ready(asio::io_context& context, link_config config) {
  observed_link one(context, config);
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(8))));
  co_await one.to.close();
}

CO_TEST_F(LinkCertificates, AreShownToAServerThatAsks) {
  const auto client = fixture.trusted().issue("client");
  co_await is_ready(context, fixture.showing(client));
}

CO_TEST_F(LinkCertificates, MayShareAFileWithTheirKey) {
  const temp_dir dir;
  const auto client = fixture.trusted().issue("both");
  link_config config = fixture.plain();
  config.cert_file = dir.file("both.pem");
  replace_file(config.cert_file, text_of(client.certificate) + text_of(client.key));
  co_await is_ready(context, config);
}

// A server may close before its alert is read: either way the error names the certificate.
CO_TEST_F(LinkCertificates, AreAskedForByName) {
  observed_link one(context, fixture.plain());
  auto hello = co_await one.to.ready(after(seconds(8)));
  CO_ASSERT_TRUE(!hello.has_value());
  EXPECT_NE(hello.error().detail().find("client certificate"), std::string::npos) << hello.error().detail();
  co_await one.to.close();
}

CO_TEST_F(LinkCertificates, AreNamedWhenTheServerRefusesThem) {
  std::vector<issued_certificate> clients;
  clients.push_back(fixture.foreign().issue("stranger"));
  clients.push_back(fixture.trusted().issue("late", "", -1));
  for (const auto& client : clients) {
    observed_link one(context, fixture.showing(client));
    auto hello = co_await one.to.ready(after(seconds(8)));
    CO_ASSERT_TRUE(!hello.has_value());
    EXPECT_NE(hello.error().detail().find("refuse"), std::string::npos) << hello.error().detail();
    EXPECT_NE(hello.error().detail().find("client certificate"), std::string::npos) << hello.error().detail();
    co_await one.to.close();
  }
}

CO_TEST_F(LinkCertificates, ReportWrongFilesByTheirNames) {
  const auto client = fixture.trusted().issue("files");
  const auto other = fixture.trusted().issue("files2");
  link_config config = fixture.showing(client);
  config.key_file = fixture.trusted().locked(client);
  co_await is_refused(context, config, errc::tls_failed, config.key_file + " has a pass phrase");
  config.key_file = other.key;
  co_await is_refused(context, config, errc::tls_failed, "does not belong to the certificate in " + client.certificate);
  config.key_file = client.certificate;
  co_await is_refused(context, config, errc::tls_failed, "there is no private key in it");
  config.key_file = "/nowhere/key.pem";
  co_await is_refused(context, config, errc::tls_failed, "cannot read /nowhere/key.pem: No such file");
  config.key_file = client.key;
  config.cert_file = client.key;
  co_await is_refused(context, config, errc::tls_failed, "there is no certificate in it");
  config.cert_file = "/nowhere/cert.pem";
  co_await is_refused(context, config, errc::tls_failed, "cannot read /nowhere/cert.pem: No such file");
  config.cert_file.clear();
  co_await is_refused(context, config, errc::tls_failed, "there is a key for TLS and no certificate");
}

CO_TEST_F(LinkCertificates, OfAnotherHostAreToldWithBothNames) {
  link_config config = fixture.showing(fixture.trusted().issue("host"));
  config.host = "127.0.0.1";
  co_await is_refused(context, config, errc::tls_failed, "its certificate is for another name than 127.0.0.1");
  co_await is_refused(context, config, errc::tls_failed, "the certificate is for localhost");
  config.tls_verify_host = false;
  co_await is_ready(context, config);
  config.ca_file = fixture.foreign().certificate();
  co_await is_refused(context, config, errc::tls_failed, "its certificate is refused");
}

CO_TEST_F(LinkCertificates, OfAServerExpire) {
  const redis_server late(fixture.options_with(fixture.trusted().issue("expired", "DNS:localhost", -1)));
  link_config config = fixture.showing(fixture.trusted().issue("client3"));
  config.port = late.port();
  co_await is_refused(context, config, errc::tls_failed, "certificate has expired");
}

// What a link was told about its files.
struct told_link {
  told_link(asio::io_context& context, link_config config) : told(std::make_shared<std::vector<std::string>>()) {
    config.on_stale_credentials = [told = told](std::string_view why) { told->emplace_back(why); };
    one.emplace(context, config);
  }
  [[nodiscard]] std::size_t connects() const { return one->states.size() - one->states.size() / 2; }
  std::shared_ptr<std::vector<std::string>> told;
  std::optional<observed_link> one;
};

// Ends all connections from within, over a connection of another kind.
asio::awaitable<void> disconnect_all(asio::io_context& context, const redis_server& server, std::string password) {
  link_config config;
  config.unix_path = server.socket_path();
  config.password = password;
  observed_link operating(context, config);
  CO_ASSERT_OK(co_await operating.to.ready(after(seconds(5))));
  request kill = of("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  CO_ASSERT_OK(co_await operating.to.exec(std::move(kill), after(seconds(5)), effect::write));
  co_await operating.to.close();
}

asio::awaitable<void> connects_again(asio::io_context& context, told_link& link, const redis_server& server,
                                     std::string password = "first") {
  const auto before = link.connects();
  co_await disconnect_all(context, server, std::move(password));
  CO_ASSERT_TRUE(co_await eventually([&] { return link.connects() > before && link.one->to.connected(); }));
}

// The authority of a fleet changes at one moment: nobody is started again.
CO_TEST_F(LinkCertificates, OfANewAuthorityAreTrustedWithoutARestart) {
  const temp_dir dir;
  const authority next;
  redis_server server(fixture.options_with(fixture.trusted().issue("old_server", "DNS:localhost")));
  link_config config = fixture.showing(fixture.trusted().issue("client4"));
  config.port = server.port();
  config.ca_file = dir.file("ca.pem");
  replace_file(config.ca_file, text_of(fixture.trusted().certificate()));
  told_link link(context, config);
  CO_ASSERT_OK(co_await link.one->to.ready(after(seconds(8))));

  // A file that is broken changes nothing, and is told once.
  replace_file(config.ca_file, "no certificate");
  co_await connects_again(context, link, server);
  co_await connects_again(context, link, server);
  CO_ASSERT_EQ(link.told->size(), 1U);
  EXPECT_NE(link.told->front().find("cannot read " + config.ca_file), std::string::npos) << link.told->front();

  const auto shown = next.issue("server", "DNS:localhost");
  server.kill();
  replace_file(config.ca_file, text_of(next.certificate()));
  server.args().insert(server.args().end(), {"--tls-cert-file", shown.certificate, "--tls-key-file", shown.key});
  server.restart();
  CO_ASSERT_TRUE(co_await eventually([&] { return link.one->to.connected(); }));
  EXPECT_EQ(link.told->size(), 1U);
  co_await link.one->to.close();
}

CO_TEST_F(LinkCertificates, AreReplacedWithoutARestart) {
  const temp_dir dir;
  const auto first = fixture.trusted().issue("rotating");
  const auto second = fixture.trusted().issue("rotated");
  link_config config = fixture.plain();
  config.cert_file = dir.file("client.crt");
  config.key_file = dir.file("client.key");
  replace_file(config.cert_file, text_of(first.certificate));
  replace_file(config.key_file, text_of(first.key));
  told_link link(context, config);
  CO_ASSERT_OK(co_await link.one->to.ready(after(seconds(8))));
  // Half of a rotation: the two do not belong together.
  replace_file(config.cert_file, text_of(second.certificate));
  co_await connects_again(context, link, fixture.server());
  CO_ASSERT_EQ(link.told->size(), 1U);
  EXPECT_NE(link.told->front().find("does not belong"), std::string::npos) << link.told->front();
  replace_file(config.key_file, text_of(second.key));
  co_await connects_again(context, link, fixture.server());
  EXPECT_EQ(link.told->size(), 1U);
  co_await link.one->to.close();
}

CO_TEST(LinkPasswordFile, IsReadAgainForEachConnection) {
  const temp_dir dir;
  redis_options options;
  options.args = {"--requirepass", "first"};
  redis_server server(options);
  link_config config = tcp_of(server);
  config.backoff_min = config.backoff_max = milliseconds(20);
  config.password_file = dir.file("password");
  replace_file(config.password_file, "first\n");
  told_link link(context, config);
  CO_ASSERT_OK(co_await link.one->to.ready(after(seconds(8))));

  request rotate = of("CONFIG", "SET", "requirepass", "second");
  CO_ASSERT_OK(co_await link.one->to.exec(std::move(rotate), after(seconds(5)), effect::write));
  replace_file(config.password_file, "second");
  co_await connects_again(context, link, server, "second");
  EXPECT_TRUE(link.told->empty());

  // A file that is gone for a moment is no reason to stop.
  std::filesystem::remove(config.password_file);
  co_await connects_again(context, link, server, "second");
  co_await connects_again(context, link, server, "second");
  CO_ASSERT_EQ(link.told->size(), 1U);
  EXPECT_NE(link.told->front().find(config.password_file + " cannot be used: No such file"), std::string::npos);
  EXPECT_EQ(link.told->front().find("second"), std::string::npos);
  co_await link.one->to.close();
}

CO_TEST(LinkPasswordFile, FailsTheFirstConnectionWhereItIsWrong) {
  const temp_dir dir;
  redis_options options;
  options.args = {"--requirepass", "right"};
  const redis_server server(options);
  link_config config = tcp_of(server);
  config.password_file = dir.file("password");
  co_await is_refused(context, config, errc::auth_failed, "password cannot be used: No such file");
  replace_file(config.password_file, "\n");
  co_await is_refused(context, config, errc::auth_failed, "it is empty");
  replace_file(config.password_file, "right\nwrong\n");
  co_await is_refused(context, config, errc::auth_failed, "it has more than one line");
  replace_file(config.password_file, std::string(5000, 'x'));
  co_await is_refused(context, config, errc::auth_failed, "it is larger than 4 KiB");
  replace_file(config.password_file, "wrong");
  co_await is_refused(context, config, errc::auth_failed, "log in to Redis");
}

}  // namespace
}  // namespace mcpstate::redis
