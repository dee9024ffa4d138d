// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/aio/task_group.hpp>

#include "redis/link.hh"
#include "redis/parser.hh"
#include "redis/pipeline.hh"
#include "redis/session_fsm.hh"
#include "redis/transport.hh"

// The I/O of a link. What to do is decided by session_fsm (the connection's life) and pipeline (the requests' fate); this
// reads, writes, waits and tells.
//
// The two loops that carry every request, reading and writing, are plain completion handlers: a coroutine would cost more
// than the work it does. Connecting and waiting between attempts is one coroutine, run().
namespace mcpstate::redis {

class link::shell final : public transport::sink, public std::enable_shared_from_this<shell> {
 public:
  using answer = result<std::vector<reply>>;

  // A request with its caller.
  class call : public pipeline::entry {
   public:
    using entry::entry;
    // Answers the caller; `at_once` resumes it right here if it lives on `home`. Destroys `self` before that.
    virtual void finish(std::unique_ptr<call> self, answer what, const asio::any_io_executor& home, bool at_once) = 0;
    // Has `shell` withdraw the request of this number when the caller is cancelled.
    virtual void watch_cancellation(link::shell& shell, std::uint64_t number) = 0;
  };
  template <class Handler>
  class handler_call;

  shell(asio::any_io_executor executor, link_config config);

  void start();
  task<server_hello> ready(aio::deadline until);
  void begin(std::unique_ptr<call> request);
  void give_up(std::uint64_t number);
  asio::awaitable<void> close();

  void on_read(const boost::system::error_code& ec, std::size_t n) override;
  void on_written(const boost::system::error_code& ec, std::size_t n) override;

  // Constant after construction, or after start().
  asio::any_io_executor executor;
  link_config config;
  std::function<void(const reply&)> push_handler;
  std::function<void(bool)> state_handler;

  [[nodiscard]] const session_fsm& session() const noexcept { return session_; }
  [[nodiscard]] const pipeline& requests() const noexcept { return requests_; }

 private:
  using clock = std::chrono::steady_clock;
  using time_point = clock::time_point;
  class ping_call;

  // The connection's life.
  asio::awaitable<void> run();
  void begin_session(std::unique_ptr<transport> opened);
  void on_ready();
  void broke(error why);
  void hang_up(bool was_ready);
  void settle();
  void wake_ready_waiters();
  [[nodiscard]] error read_failed(const boost::system::error_code& ec) const;
  [[nodiscard]] error not_redis(char first_byte) const;

  // Bytes.
  void read_more();
  void consume(std::string_view in);
  void deliver(reply what);
  void flush_soon();
  void flush();
  void write_rest();

  // Time.
  void arm(time_point when);
  void tick();
  void check_alive(time_point now);
  [[nodiscard]] time_point next_tick(time_point now) const;

  // Ends.
  void finish(pipeline::ending ended, bool at_once);
  void finish(std::vector<pipeline::ending> ended);
  [[nodiscard]] error why_not(errc why) const;

  std::shared_ptr<tls_settings> tls_ = make_tls_settings();
  session_fsm session_;
  pipeline requests_;
  std::mt19937_64 random_;

  // Of the current connection.
  std::unique_ptr<transport> transport_;
  std::optional<parser> parser_;
  std::vector<char> in_;
  std::string out_;
  std::size_t out_done_ = 0;
  bool reading_ = false, writing_ = false;
  bool live_ = false;       // from begin_session() to hang_up()
  bool consuming_ = false;  // inside consume(): what is asked for now is flushed at its end
  bool flush_posted_ = false;
  bool suspicious_ = false;  // something expired since the last byte came
  bool ping_asked_ = false;  // since the last byte came
  time_point attempt_until_{};
  time_point ready_since_{};
  time_point last_received_{};
  time_point owed_since_{};

  bool stopping_ = false;
  std::list<asio::steady_timer*> ready_waiters_;
  time_point armed_ = time_point::max();
  asio::steady_timer tick_timer_;
  asio::steady_timer over_;  // cancelled when the session is over and its I/O has ended
  aio::task_group group_;
};

template <class Handler>
class link::shell::handler_call final : public call {
 public:
  handler_call(Handler handler, request asked, aio::deadline when, effect what)
      : call(std::move(asked), when, what), handler_(std::move(handler)) {}

  void finish(std::unique_ptr<call> self, answer what, const asio::any_io_executor& home, bool at_once) override {
    Handler handler = std::move(handler_);
    const auto where = asio::get_associated_executor(handler, home);
    self.reset();
    if (at_once && where == home) {
      if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) slot.clear();
      std::move(handler)(std::move(what));
      return;
    }
    auto resume = [handler = std::move(handler), what = std::move(what)]() mutable { std::move(handler)(std::move(what)); };
    asio::post(where, std::move(resume));
  }

  void watch_cancellation(link::shell& shell, std::uint64_t number) override {
    auto slot = asio::get_associated_cancellation_slot(handler_);
    if (!slot.is_connected()) return;
    // By number, not by address: it may be emitted again after the request has ended.
    slot.assign([weak = shell.weak_from_this(), number](asio::cancellation_type how) {
      if (how == asio::cancellation_type::none) return;
      if (auto alive = weak.lock()) alive->give_up(number);
    });
  }

 private:
  Handler handler_;
};

}  // namespace mcpstate::redis
