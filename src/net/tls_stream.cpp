// SPDX-License-Identifier: MIT
#include "net/tls_stream.hh"

#include <boost/asio/ssl/error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>

namespace mcpstate::net {
namespace {

// OpenSSL's own BIO for sockets raises SIGPIPE, which a library cannot leave to its users. This one has the socket's
// descriptor as its data, and does not own it.
int socket_of(BIO* bio) noexcept { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

bool is_passing(int code) noexcept { return code == EAGAIN || code == EWOULDBLOCK || code == EINTR; }

int write_socket(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  const auto done = ::send(socket_of(bio), from, static_cast<std::size_t>(std::max(size, 0)), MSG_NOSIGNAL);
  if (done < 0 && is_passing(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(done);
}

int read_socket(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  const auto done = ::recv(socket_of(bio), into, static_cast<std::size_t>(std::max(size, 0)), 0);
  if (done < 0 && is_passing(errno)) BIO_set_retry_read(bio);
  if (done == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(done);
}

long control_socket(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

// Never freed: a stream may outlive static objects.
const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mcpstate socket");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_write(made, write_socket);
    BIO_meth_set_read(made, read_socket);
    BIO_meth_set_ctrl(made, control_socket);
    return made;
  }();
  return method;
}

BIO* socket_bio(int descriptor) {
  BIO* const made = BIO_new(socket_method());
  if (made == nullptr) throw std::bad_alloc();
  BIO_set_data(made, reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor)));
  BIO_set_init(made, 1);
  return made;
}

int int_size(std::size_t size) noexcept { return static_cast<int>(std::min<std::size_t>(size, INT_MAX)); }

}  // namespace

tls_stream::tls_stream(next_layer_type socket, asio::ssl::context& context)
    : socket_(std::move(socket)), tls_(SSL_new(context.native_handle())) {
  if (!tls_) throw std::bad_alloc();
  error_code ignored;  // a socket that is closed fails with the first operation
  socket_.non_blocking(true, ignored);
  // Without its buffers while it waits; and a write may go on with a part of the bytes, from elsewhere.
  SSL_set_mode(tls_.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  BIO* const bio = socket_bio(socket_.native_handle());
  SSL_set_bio(tls_.get(), bio, bio);
  SSL_set_connect_state(tls_.get());
}

void tls_stream::set_verify_mode(asio::ssl::verify_mode mode, error_code& ec) {
  SSL_set_verify(tls_.get(), mode, nullptr);
  ec = error_code();
}

tls_stream::error_code tls_stream::outcome(int returned, wait_type& wait) noexcept {
  const int system = errno;
  switch (SSL_get_error(tls_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      wait = next_layer_type::wait_read;
      return asio::error::would_block;
    case SSL_ERROR_WANT_WRITE:
      wait = next_layer_type::wait_write;
      return asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN:
      return asio::error::eof;
    default:
      break;
  }
  const unsigned long why = ERR_get_error();
  ERR_clear_error();
  const bool cut =
      why == 0 || (ERR_GET_LIB(why) == ERR_LIB_SSL && ERR_GET_REASON(why) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
  if (!cut) return error_code(static_cast<int>(why), asio::error::get_ssl_category());
  if (why == 0 && returned < 0 && system != 0) return error_code(system, boost::system::system_category());
  return asio::ssl::error::stream_truncated;
}

// False where the socket is closed: its descriptor may be another file's by now.
bool tls_stream::prepare(error_code& ec) noexcept {
  ec = socket_.is_open() ? error_code() : error_code(asio::error::bad_descriptor);
  ERR_clear_error();
  errno = 0;
  return !ec;
}

void tls_stream::handshake(error_code& ec) {
  if (!prepare(ec)) return;
  const int done = SSL_do_handshake(tls_.get());
  if (done != 1) ec = outcome(done, read_wait_);
}

std::size_t tls_stream::read_some(asio::mutable_buffer into, error_code& ec) {
  if (!prepare(ec) || into.size() == 0) return 0;
  const int done = SSL_read(tls_.get(), into.data(), int_size(into.size()));
  if (done > 0) return static_cast<std::size_t>(done);
  ec = outcome(done, read_wait_);
  // A message of the handshake that comes later, as tickets of sessions do, makes OpenSSL take the buffers for both directions
  // again. It gives back what holds nothing.
  if (ec == asio::error::would_block) static_cast<void>(SSL_free_buffers(tls_.get()));
  return 0;
}

std::size_t tls_stream::write_some(asio::const_buffer from, error_code& ec) {
  if (!prepare(ec) || from.size() == 0) return 0;
  const int done = SSL_write(tls_.get(), from.data(), int_size(from.size()));
  if (done > 0) return static_cast<std::size_t>(done);
  ec = outcome(done, write_wait_);
  return 0;
}

}  // namespace mcpstate::net
