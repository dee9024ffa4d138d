// SPDX-License-Identifier: MIT
#include "net/tls.hh"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <mcpstate/aio/deadline.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>

#include "core/file.hh"
#include "core/text/printable.hh"

namespace mcpstate::net {
namespace {

using error_code = boost::system::error_code;

constexpr std::size_t kept_contexts = 4;
constexpr std::size_t max_pem_bytes = 16UL * 1024 * 1024;
constexpr std::size_t max_shown_names = 300;  // bytes of the names of a certificate

// What tells one state of a file from another; all zero for a file that cannot be looked at.
using file_identity = std::array<std::int64_t, 4>;

file_identity identity_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return {};
  std::error_code ignored;
  const auto changed = std::filesystem::last_write_time(path, ignored);
  return {static_cast<std::int64_t>(found.st_dev), static_cast<std::int64_t>(found.st_ino),
          static_cast<std::int64_t>(found.st_size), static_cast<std::int64_t>(changed.time_since_epoch().count())};
}

// The file that OpenSSL reads when none is named.
std::string system_ca_file() {
  const char* const named = std::getenv(X509_get_default_cert_file_env());
  return named != nullptr ? named : X509_get_default_cert_file();
}

using files_identity = std::array<file_identity, 3>;

files_identity identity_of(const tls_files& files) {
  return {identity_of(files.ca_file.empty() ? system_ca_file() : files.ca_file),
          files.cert_file.empty() ? file_identity{} : identity_of(files.cert_file),
          files.key_file.empty() ? file_identity{} : identity_of(files.key_file)};
}

error cannot_read(const std::string& path, const std::string& fault) {
  return error(errc::tls_failed, "cannot read " + path + ": " + fault);
}

// OpenSSL would wait for a pipe, and read a device for ever.
result<void> require_file(const std::string& path) {
  const auto fault = regular_file_fault(path, max_pem_bytes);
  if (!fault.empty()) return cannot_read(path, fault);
  return {};
}

result<void> read_authorities(asio::ssl::context& into, const std::string& ca_file) {
  error_code ec;
  if (ca_file.empty()) {
    into.set_default_verify_paths(ec);
  } else {
    MCPSTATE_CHECK(require_file(ca_file));
    into.load_verify_file(ca_file, ec);
  }
  if (ec) return cannot_read(ca_file.empty() ? "the system's certificates" : ca_file, ec.message());
  return {};
}

// Stands for the question that OpenSSL would put to the terminal.
int refuse_pass_phrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

result<void> read_key(SSL_CTX* into, const std::string& path, const std::string& cert_file) {
  MCPSTATE_CHECK(require_file(path));
  bool pass_phrase = false;
  SSL_CTX_set_default_passwd_cb(into, refuse_pass_phrase);
  SSL_CTX_set_default_passwd_cb_userdata(into, &pass_phrase);
  ERR_clear_error();
  const bool done = SSL_CTX_use_PrivateKey_file(into, path.c_str(), SSL_FILETYPE_PEM) == 1;
  const unsigned long why = ERR_peek_last_error();
  ERR_clear_error();
  SSL_CTX_set_default_passwd_cb(into, nullptr);
  SSL_CTX_set_default_passwd_cb_userdata(into, nullptr);
  if (done) return {};
  if (pass_phrase) {
    return error(errc::tls_failed, "the key in " + path +
                                       " has a pass phrase, and nobody is there to give it; store one without: " +
                                       "openssl pkey -in OLD -out NEW");
  }
  if (ERR_GET_LIB(why) == ERR_LIB_X509 && ERR_GET_REASON(why) == X509_R_KEY_VALUES_MISMATCH) {
    return error(errc::tls_failed, "the key in " + path + " does not belong to the certificate in " + cert_file +
                                       "; give the two that were made together");
  }
  return cannot_read(path, "there is no private key in it (PEM)");
}

result<void> read_own_certificate(SSL_CTX* into, const tls_files& files) {
  if (files.cert_file.empty()) {
    if (files.key_file.empty()) return {};
    return error(errc::tls_failed, "there is a key for TLS and no certificate; give both, or neither");
  }
  MCPSTATE_CHECK(require_file(files.cert_file));
  ERR_clear_error();
  const bool done = SSL_CTX_use_certificate_chain_file(into, files.cert_file.c_str()) == 1;
  ERR_clear_error();
  if (!done) return cannot_read(files.cert_file, "there is no certificate in it (PEM)");
  return read_key(into, files.key_file.empty() ? files.cert_file : files.key_file, files.cert_file);
}

result<tls_context> read_context(const tls_files& files) {
  auto made = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(made->native_handle(), TLS1_2_VERSION);
  MCPSTATE_CHECK(read_authorities(*made, files.ca_file));
  MCPSTATE_CHECK(read_own_certificate(made->native_handle(), files));
  return made;
}

class context_cache {
 public:
  // Never destroyed: OpenSSL cleans up by itself when the process ends, before or after static objects go.
  static context_cache& of_process() {
    static auto& cache = *new context_cache;
    return cache;
  }

  result<tls_context> get(const tls_files& files, const tls_fault_handler& on_fault) {
    std::string fault;
    auto found = find_or_read(files, on_fault ? &fault : nullptr);
    if (!fault.empty()) on_fault(fault);
    return found;
  }

 private:
  struct entry {
    tls_files files;
    files_identity identity;  // what the context was read from
    tls_context context;
    files_identity refused{};  // what could not be read since, and has been told
  };

  // fault: receives what makes an older context stand in, if that has not been told. Null: none may.
  result<tls_context> find_or_read(const tls_files& files, std::string* fault) {
    const files_identity now = identity_of(files);
    const std::lock_guard lock(mutex_);
    const auto known =
        std::find_if(entries_.begin(), entries_.end(), [&](const entry& each) { return each.files == files; });
    if (known != entries_.end() && known->identity == now) return known->context;
    auto made = read_context(files);
    if (!made) {
      if (known == entries_.end() || fault == nullptr) return made;
      if (std::exchange(known->refused, now) != now) *fault = made.error().detail();
      return known->context;
    }
    if (known != entries_.end()) entries_.erase(known);
    if (entries_.size() == kept_contexts) entries_.pop_front();
    entries_.push_back(entry{files, now, *made});
    return made;
  }

  std::mutex mutex_;
  std::deque<entry> entries_;  // oldest first
};

// An address in a certificate: 4 or 16 bytes.
std::string address_text(const unsigned char* bytes, std::size_t size) {
  if (size == 4) {
    asio::ip::address_v4::bytes_type octets;
    std::copy_n(bytes, 4, octets.begin());
    return asio::ip::address_v4(octets).to_string();
  }
  if (size != 16) return "?";
  asio::ip::address_v6::bytes_type octets;
  std::copy_n(bytes, 16, octets.begin());
  return asio::ip::address_v6(octets).to_string();
}

// Says whose certificate is expected. False when no certificate can be for that name.
bool expect_peer(SSL* tls, const tls_peer& peer) {
  const bool address = is_address(peer.host);
  if (!address && SSL_set_tlsext_host_name(tls, peer.host.c_str()) != 1) return false;  // RFC 6066 has no addresses there
  if (!peer.verify || !peer.verify_host) return true;
  if (address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), peer.host.c_str()) == 1;
  if (!peer.partial_wildcards) SSL_set_hostflags(tls, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(tls, peer.host.c_str()) == 1;
}

// The names that a certificate is for: "localhost, *.example.org, 10.0.0.7"; without any, its subject.
std::string names_of(X509* certificate) {
  std::string out;
  const std::unique_ptr<GENERAL_NAMES, void (*)(GENERAL_NAMES*)> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()) && out.size() < max_shown_names; ++i) {
    const GENERAL_NAME* const one = sk_GENERAL_NAME_value(names.get(), i);
    if (one->type != GEN_DNS && one->type != GEN_IPADD) continue;
    const ASN1_STRING* const value = one->type == GEN_DNS ? one->d.dNSName : one->d.iPAddress;
    const auto* const bytes = ASN1_STRING_get0_data(value);
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
    out.append(out.empty() ? "" : ", ")
        .append(one->type == GEN_DNS ? std::string(bytes, bytes + size) : address_text(bytes, size));
  }
  if (out.empty()) {
    std::array<char, 256> subject{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, subject.data(), subject.size());
    out = subject.data();
  }
  if (out.size() > max_shown_names) out.resize(max_shown_names);
  return printable(out);
}

bool is_other_host(long verify_result) {
  return verify_result == X509_V_ERR_HOSTNAME_MISMATCH || verify_result == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

// Where a handshake of OpenSSL finds the text that receives the names of a certificate for another host.
int names_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// OpenSSL forgets a certificate that is refused, so its names are taken while it is looked at.
int remember_names(int accepted, X509_STORE_CTX* checked) {
  if (accepted != 0 || !is_other_host(X509_STORE_CTX_get_error(checked))) return accepted;
  const auto* const tls = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(checked, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const names = static_cast<std::string*>(SSL_get_ex_data(tls, names_index()));
  if (names != nullptr) *names = names_of(X509_STORE_CTX_get_current_cert(checked));
  return accepted;
}

// Why the handshake failed, in OpenSSL's words for certificates where it was the certificate.
error handshake_failure(SSL* tls, const tls_peer& peer, const error_code& ec, const std::string& names) {
  const std::string failed = "no TLS connection to " + peer.shown + ": ";
  const auto because = [&](const std::string& why) { return error(errc::tls_failed, failed + why); };
  const bool not_tls = ec.category() == asio::error::get_ssl_category() &&
                       ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == SSL_R_WRONG_VERSION_NUMBER;
  if (not_tls) return because("what answers there does not speak TLS (" + peer.plain_hint + ")");
  if (const auto fault = client_certificate_fault(ec); !fault.empty()) return because(fault + peer.client_certificate_hint);
  const long verify_result = SSL_get_verify_result(tls);
  if (!peer.verify || verify_result == X509_V_OK) return because(ec.message());
  if (!is_other_host(verify_result)) {
    return because(std::string("its certificate is refused: ") + X509_verify_cert_error_string(verify_result));
  }
  return error(errc::tls_failed,
               failed + "its certificate is for another name than " + peer.host + "; the URL must have one of its names",
               names.empty() ? names : "the certificate is for " + names);
}

}  // namespace

result<tls_context> shared_tls_context(const tls_files& files, const tls_fault_handler& on_fault) {
  return context_cache::of_process().get(files, on_fault);
}

std::string client_certificate_fault(const boost::system::error_code& ec) {
  if (ec.category() != asio::error::get_ssl_category()) return {};
  const std::string refused = "it refuses the client certificate: ";
  switch (ERR_GET_REASON(static_cast<unsigned long>(ec.value()))) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "it asks for a client certificate";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return refused + "it does not trust the authority";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return refused + "certificate has expired";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
      return refused + "certificate is revoked";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
      return refused + "it is not one that it accepts";
    default:
      return {};
  }
}

task<tls_stream> shake_hands(tcp_socket socket, tls_context context, tls_peer peer) {
  co_await asio::this_coro::throw_if_cancelled(false);
  tls_stream stream(std::move(socket), *context);
  SSL* const tls = stream.native_handle();
  std::string names;  // of a certificate for another host
  SSL_set_ex_data(tls, names_index(), &names);
  SSL_set_verify(tls, SSL_VERIFY_PEER, remember_names);
  error_code ec;
  stream.set_verify_mode(peer.verify ? asio::ssl::verify_peer : asio::ssl::verify_none, ec);
  if (ec || !expect_peer(tls, peer)) {
    co_return error(errc::tls_failed, "no TLS connection to " + peer.shown + ": no certificate can be for that name");
  }
  // A cancellation that comes between two operations stops neither of them.
  const bool cancelled = co_await aio::is_cancelled();
  if (cancelled) co_return error(errc::stopped, "connecting to " + peer.shown);
  auto [refused] = co_await stream.async_handshake(asio::ssl::stream_base::client, aio::use_ec);
  SSL_set_ex_data(tls, names_index(), nullptr);
  if (refused) co_return handshake_failure(tls, peer, refused, names);
  co_return std::move(stream);
}

}  // namespace mcpstate::net
