// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/aio/task_group.hpp>

#include "aio/event.hh"
#include "redis/link.hh"
#include "redis/link_fsm.hh"
#include "redis/parser.hh"
#include "redis/pipeline.hh"
#include "redis/transport.hh"

// The I/O of a link. link_fsm decides about the connection's life, pipeline about the fate of requests; this class reads,
// writes, waits and tells.
//
// The two loops that carry every request, reading and writing, are plain completion handlers: a coroutine would cost more
// than the work it does. Connecting and waiting between attempts is one coroutine, run().
namespace mcpstate::redis {

class shell final : public link, public transport::sink, public std::enable_shared_from_this<shell> {
 public:
  // A request with its caller.
  class call : public pipeline::entry {
   public:
    using entry::entry;
    // Answers the caller and destroys `self` before that. With `at_once` the caller is resumed within this call if it lives
    // on `home`, else by a post.
    virtual void finish(std::unique_ptr<call> self, outcome answer, const asio::any_io_executor& home, bool at_once) = 0;
    // Has `on` withdraw the request of this number when the caller is cancelled.
    virtual void watch_cancellation(shell& on, std::uint64_t number);
  };

  shell(asio::any_io_executor home, link_config config, net::resolver look_up);

  void on_push(push_handler handler) override { push_handler_ = std::move(handler); }
  void on_state(state_handler handler) override { state_handler_ = std::move(handler); }
  void start() override;
  task<server_hello> ready(aio::deadline until) override;
  task<std::vector<reply>> exec(route target, request commands, aio::deadline until, effect kind) override;
  void exec_in_stream(request commands, aio::deadline until, effect kind, receiver tell) override;
  [[nodiscard]] const server_hello& hello() const noexcept override { return fsm_.hello(); }
  [[nodiscard]] std::string address() const override { return node_.address; }
  [[nodiscard]] bool connected() const noexcept override { return fsm_.now() == link_fsm::state::ready; }
  [[nodiscard]] std::size_t pending() const noexcept override { return requests_.pending(); }
  asio::awaitable<void> close() override;

  void on_read(const boost::system::error_code& ec, std::size_t n) override;
  void on_written(const boost::system::error_code& ec, std::size_t n) override;

 private:
  using clock = std::chrono::steady_clock;
  using time_point = clock::time_point;
  template <class Handler>
  class handler_call;
  class receiver_call;
  class identity_call;

  // The connection's life.
  asio::awaitable<void> run();
  task<std::unique_ptr<transport>> open();
  [[nodiscard]] result<void> renew_password();
  asio::awaitable<void> rest();
  void begin_session(std::unique_ptr<transport> opened);
  void session_ready();
  void session_failed(error why);
  void end_session(bool was_ready);
  void notify_if_over();
  [[nodiscard]] error read_error(const boost::system::error_code& ec) const;
  [[nodiscard]] error protocol_error(char first_byte) const;

  // Requests.
  void submit(std::unique_ptr<call> asked);
  void withdraw(std::uint64_t number);
  void finish(pipeline::ending ended, bool at_once);
  void finish(std::vector<pipeline::ending> ended);
  [[nodiscard]] error error_of(errc reason) const;

  // Bytes.
  void read_more();
  void parse(std::string_view bytes);
  void deliver(reply what);
  void flush_soon();
  void flush();
  void write_rest();

  // Time.
  void arm(time_point when);
  void tick();
  void check_alive(time_point now);
  void ask_identity(time_point now);
  void on_identity(const reply& answer);
  [[nodiscard]] std::chrono::milliseconds patience() const noexcept;
  [[nodiscard]] time_point next_tick(time_point now) const;

  // Constant after start().
  asio::any_io_executor home_;
  link_config config_;
  net::resolver look_up_;
  node node_;
  push_handler push_handler_;
  state_handler state_handler_;

  link_fsm fsm_;
  pipeline requests_;
  std::mt19937_64 random_;
  std::string password_fault_;  // the last one that was told

  // Of the current connection.
  std::unique_ptr<transport> transport_;
  std::optional<parser> parser_;
  std::vector<char> in_;
  std::string out_;
  std::size_t out_done_ = 0;
  bool reading_ = false, writing_ = false;
  bool live_ = false;     // from begin_session() to end_session()
  bool parsing_ = false;  // inside parse(): what is asked for now is flushed at its end
  bool flush_posted_ = false;
  bool suspicious_ = false;  // a request expired since the last byte came
  bool asking_identity_ = false;
  time_point attempt_until_{};
  time_point ready_since_{};
  time_point last_received_{};
  time_point identity_asked_at_{};
  time_point owed_since_{};

  bool stopping_ = false;
  time_point armed_ = time_point::max();
  asio::steady_timer tick_timer_;
  aio::event attempt_ended_;  // for ready()
  aio::event wanted_;         // for rest()
  aio::event session_over_;   // the session has ended, and its I/O too
  aio::task_group group_;
};

template <class Handler>
class shell::handler_call final : public call {
 public:
  handler_call(Handler handler, request asked, aio::deadline until, effect what)
      : call(std::move(asked), until, what), handler_(std::move(handler)) {}

  void finish(std::unique_ptr<call> self, outcome answer, const asio::any_io_executor& home, bool at_once) override {
    Handler handler = std::move(handler_);
    const auto where = asio::get_associated_executor(handler, home);
    self.reset();
    if (at_once && where == home) {
      if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) slot.clear();
      std::move(handler)(std::move(answer));
      return;
    }
    auto resume = [handler = std::move(handler), answer = std::move(answer)]() mutable {
      std::move(handler)(std::move(answer));
    };
    asio::post(where, std::move(resume));
  }

  void watch_cancellation(shell& on, std::uint64_t number) override {
    auto slot = asio::get_associated_cancellation_slot(handler_);
    if (!slot.is_connected()) return;
    // By number, not by address: the signal may be emitted again after the request has ended.
    slot.assign([weak = on.weak_from_this(), number](asio::cancellation_type type) {
      if (type == asio::cancellation_type::none) return;
      if (auto alive = weak.lock()) alive->withdraw(number);
    });
  }

 private:
  Handler handler_;
};

}  // namespace mcpstate::redis
