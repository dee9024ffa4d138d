// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream_base.hpp>

#include <cstddef>
#include <memory>
#include <utility>

#include <mcpstate/aio/task.hpp>

// TLS over a connected socket, for clients: OpenSSL reads and writes the socket itself. Asio's own stream holds 68 KB of
// buffers for as long as it lives; this one holds none while it waits (docs/adr/0019-tls-on-the-socket.md).
namespace mcpstate::net {

namespace tls_steps {
template <class Signature, class Step>
class operation;
}

// Asio's requirements of a stream (AsyncReadStream, AsyncWriteStream). Executor: the socket's. Lifetime: may be moved while
// nothing is under way; destroying it closes the socket, without a closing handshake. One read and one write may be under way
// at a time. Cancellation: terminal; the stream is then of no more use. Failure: asio::error::eof where the peer has ended
// TLS, asio::ssl::error::stream_truncated where it has closed without that, and OpenSSL's or the system's errors.
class tls_stream {
 public:
  using next_layer_type = asio::ip::tcp::socket;
  using lowest_layer_type = next_layer_type::lowest_layer_type;
  using executor_type = next_layer_type::executor_type;
  using error_code = boost::system::error_code;
  using wait_type = next_layer_type::wait_type;

  // The socket does not block from now on. Throws std::bad_alloc.
  tls_stream(next_layer_type socket, asio::ssl::context& context);

  [[nodiscard]] executor_type get_executor() { return socket_.get_executor(); }
  [[nodiscard]] next_layer_type& next_layer() noexcept { return socket_; }
  [[nodiscard]] lowest_layer_type& lowest_layer() noexcept { return socket_.lowest_layer(); }
  [[nodiscard]] SSL* native_handle() noexcept { return tls_.get(); }
  void set_verify_mode(asio::ssl::verify_mode mode, error_code& ec);

  // These do not wait: would_block says that the socket must first become ready as read_wait() or write_wait() says.
  void handshake(error_code& ec);
  std::size_t read_some(asio::mutable_buffer into, error_code& ec);
  std::size_t write_some(asio::const_buffer from, error_code& ec);
  [[nodiscard]] wait_type read_wait() const noexcept { return read_wait_; }
  [[nodiscard]] wait_type write_wait() const noexcept { return write_wait_; }

  template <class Token>
  auto async_handshake(asio::ssl::stream_base::handshake_type, Token&& token) {
    auto step = [this](error_code& ec) { handshake(ec); };
    return start<void(error_code)>(step, read_wait_, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& into, Token&& token) {
    auto step = [this, part = first_of<asio::mutable_buffer>(into)](error_code& ec) { return read_some(part, ec); };
    return start<void(error_code, std::size_t)>(step, read_wait_, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& from, Token&& token) {
    auto step = [this, part = first_of<asio::const_buffer>(from)](error_code& ec) { return write_some(part, ec); };
    return start<void(error_code, std::size_t)>(step, write_wait_, std::forward<Token>(token));
  }

 private:
  struct deleter {
    void operator()(SSL* what) const noexcept { SSL_free(what); }
  };
  // The first buffer that is not empty; an empty one where there is none.
  template <class Buffer, class Buffers>
  static Buffer first_of(const Buffers& all) {
    Buffer out;
    for (auto at = asio::buffer_sequence_begin(all); out.size() == 0 && at != asio::buffer_sequence_end(all); ++at)
      out = Buffer(*at);
    return out;
  }
  template <class Signature, class Step, class Token>
  auto start(Step step, const wait_type& wait, Token&& token) {
    return asio::async_compose<Token, Signature>(tls_steps::operation<Signature, Step>(socket_, std::move(step), wait),
                                                 token, socket_);
  }
  bool prepare(error_code& ec) noexcept;
  // What came of a call of OpenSSL that has not succeeded.
  error_code outcome(int returned, wait_type& wait) noexcept;

  next_layer_type socket_;
  std::unique_ptr<SSL, deleter> tls_;
  wait_type read_wait_ = next_layer_type::wait_read, write_wait_ = next_layer_type::wait_write;
};

namespace tls_steps {

// Takes a step again and again until it need not wait.
template <class... Results, class Step>
class operation<void(boost::system::error_code, Results...), Step> {
 public:
  using error_code = boost::system::error_code;
  using socket = tls_stream::next_layer_type;

  operation(socket& over, Step step, const tls_stream::wait_type& wait)
      : socket_(&over), step_(std::move(step)), wait_(&wait) {}

  template <class Self>
  void operator()(Self& self, error_code failed = {}) {
    if (finished_) return complete(self);
    ec_ = failed;
    if (!ec_) take_step();
    const bool waits = ec_ == asio::error::would_block;
    finished_ = !waits;
    const bool at_once = !std::exchange(begun_, true);
    if (!waits && !at_once) return complete(self);
    socket& over = *socket_;
    const auto wait = *wait_;
    if (waits) return over.async_wait(wait, std::move(self));
    asio::post(over.get_executor(), std::move(self));  // an operation completes after the call that begins it
  }

 private:
  void take_step() {
    if constexpr (sizeof...(Results) == 0) {
      step_(ec_);
    } else {
      size_ = step_(ec_);
    }
  }
  template <class Self>
  void complete(Self& self) {
    if constexpr (sizeof...(Results) == 0) {
      self.complete(ec_);
    } else {
      self.complete(ec_, size_);
    }
  }

  socket* socket_;
  Step step_;
  const tls_stream::wait_type* wait_;
  error_code ec_;
  std::size_t size_ = 0;
  bool begun_ = false, finished_ = false;
};

}  // namespace tls_steps

}  // namespace mcpstate::net
