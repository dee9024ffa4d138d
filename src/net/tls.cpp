// SPDX-License-Identifier: MIT
#include "net/tls.hh"

#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
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
#include <system_error>
#include <utility>

#include "core/file.hh"
#include "core/text/printable.hh"

namespace mcpstate::net {
namespace {

using error_code = boost::system::error_code;

constexpr std::size_t kept_contexts = 4;
constexpr std::size_t max_ca_file_bytes = 16UL * 1024 * 1024;

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

result<tls_context> read_context(const std::string& ca_file) {
  auto made = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(made->native_handle(), TLS1_2_VERSION);
  error_code ec;
  if (ca_file.empty()) {
    made->set_default_verify_paths(ec);
  } else {
    // OpenSSL would wait for a pipe, and read a device for ever.
    const auto fault = regular_file_fault(ca_file, max_ca_file_bytes);
    if (!fault.empty()) return error(errc::tls_failed, "cannot read " + ca_file + ": " + fault);
    made->load_verify_file(ca_file, ec);
  }
  if (!ec) return made;
  const std::string which = ca_file.empty() ? "the system's certificates" : ca_file;
  return error(errc::tls_failed, "cannot read " + which + ": " + ec.message());
}

class context_cache {
 public:
  // Never destroyed: OpenSSL cleans up by itself when the process ends, before or after static objects go.
  static context_cache& of_process() {
    static auto& cache = *new context_cache;
    return cache;
  }

  result<tls_context> get(const std::string& ca_file) {
    const file_identity now = identity_of(ca_file.empty() ? system_ca_file() : ca_file);
    const std::lock_guard lock(mutex_);
    const auto known = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const entry& each) { return each.ca_file == ca_file && each.identity == now; });
    if (known != entries_.end()) return known->context;
    auto made = read_context(ca_file);
    if (!made) return made;
    std::erase_if(entries_, [&](const entry& each) { return each.ca_file == ca_file; });
    if (entries_.size() == kept_contexts) entries_.pop_front();
    entries_.push_back(entry{ca_file, now, *made});
    return made;
  }

 private:
  struct entry {
    std::string ca_file;
    file_identity identity;
    tls_context context;
  };
  std::mutex mutex_;
  std::deque<entry> entries_;  // oldest first
};

// "127.0.0.1", "::1"; empty for bytes that are no address.
std::string address_text(const unsigned char* bytes, int size) {
  asio::ip::address_v4::bytes_type v4;
  asio::ip::address_v6::bytes_type v6;
  if (size == static_cast<int>(v4.size())) {
    std::copy_n(bytes, v4.size(), v4.begin());
    return asio::ip::address_v4(v4).to_string();
  }
  if (size != static_cast<int>(v6.size())) return std::string();
  std::copy_n(bytes, v6.size(), v6.begin());
  return asio::ip::address_v6(v6).to_string();
}

// Says whose certificate is expected. False when no certificate can be for that name.
bool expect_peer(SSL* tls, const tls_peer& peer) {
  const bool address = is_address(peer.host);
  if (!address && SSL_set_tlsext_host_name(tls, peer.host.c_str()) != 1) return false;  // RFC 6066 has no addresses there
  if (!peer.verify) return true;
  if (address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), peer.host.c_str()) == 1;
  if (!peer.partial_wildcards) SSL_set_hostflags(tls, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(tls, peer.host.c_str()) == 1;
}

constexpr std::size_t max_shown_names = 4, max_shown_name = 64;

// The host names and addresses that a certificate is for, as far as they can be shown.
std::string names_of(X509* certificate) {
  std::string out;
  auto* const names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::size_t shown = 0;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names) && shown < max_shown_names; ++i) {
    const GENERAL_NAME* const each = sk_GENERAL_NAME_value(names, i);
    std::string name;
    if (each->type == GEN_DNS) {
      const auto* const bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(each->d.dNSName));
      name.assign(bytes, static_cast<std::size_t>(ASN1_STRING_length(each->d.dNSName)));
    } else if (each->type == GEN_IPADD) {
      name = address_text(ASN1_STRING_get0_data(each->d.iPAddress), ASN1_STRING_length(each->d.iPAddress));
    }
    if (name.empty()) continue;
    out += (out.empty() ? "" : ", ") + printable(name.substr(0, max_shown_name));
    ++shown;
  }
  GENERAL_NAMES_free(names);
  if (!out.empty()) return out;
  char common_name[max_shown_name + 1] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common_name, sizeof common_name);
  return printable(common_name);
}

bool is_for_another(int verify_result) noexcept {
  return verify_result == X509_V_ERR_HOSTNAME_MISMATCH || verify_result == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

// Why the handshake failed, in OpenSSL's words for certificates where it was the certificate. names: of the certificate.
error handshake_failure(SSL* tls, const tls_peer& peer, const error_code& ec, std::string names) {
  const auto failure = [&](const std::string& why) {
    return error(errc::tls_failed, "no TLS connection to " + peer.shown + ": " + why);
  };
  const bool not_tls = ec.category() == asio::error::get_ssl_category() &&
                       ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == SSL_R_WRONG_VERSION_NUMBER;
  if (not_tls) return failure("what answers there does not speak TLS (" + peer.plain_hint + ")");
  const long verify_result = SSL_get_verify_result(tls);
  if (!peer.verify || verify_result == X509_V_OK) return failure(ec.message());
  if (!is_for_another(static_cast<int>(verify_result)))
    return failure(std::string("its certificate is refused: ") + X509_verify_cert_error_string(verify_result));
  const error plain = failure("its certificate is for another name than " + peer.host);
  return error(plain.code(), plain.detail(), std::move(names));
}

}  // namespace

result<tls_context> shared_tls_context(const std::string& ca_file) { return context_cache::of_process().get(ca_file); }

task<tls_stream> shake_hands(tcp_socket socket, tls_context context, tls_peer peer) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::string failed = "no TLS connection to " + peer.shown + ": ";
  tls_stream stream(std::move(socket), *context);
  SSL* const tls = stream.native_handle();
  error_code ec;
  stream.set_verify_mode(peer.verify ? asio::ssl::verify_peer : asio::ssl::verify_none, ec);
  if (ec || !expect_peer(tls, peer)) co_return error(errc::tls_failed, failed + "no certificate can be for that name");
  // OpenSSL forgets a certificate that it has refused.
  const auto names = std::make_shared<std::string>();
  auto note = [names](bool good, asio::ssl::verify_context& chain) {
    X509_STORE_CTX* const seen = chain.native_handle();
    if (!good && is_for_another(X509_STORE_CTX_get_error(seen))) *names = names_of(X509_STORE_CTX_get_current_cert(seen));
    return good;
  };
  if (peer.verify) stream.set_verify_callback(std::move(note), ec);
  // A cancellation that comes between two operations stops neither of them.
  const bool cancelled = co_await aio::is_cancelled();
  if (cancelled) co_return error(errc::stopped, "connecting to " + peer.shown);
  auto [refused] = co_await stream.async_handshake(asio::ssl::stream_base::client, aio::use_ec);
  if (refused) co_return handshake_failure(tls, peer, refused, *names);
  co_return std::move(stream);
}

}  // namespace mcpstate::net
