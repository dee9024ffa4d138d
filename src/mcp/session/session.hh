// SPDX-License-Identifier: MIT
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/mcp/client.hpp>

#include "aio/latch.hh"
#include "mcp/protocol/detect_fsm.hh"
#include "mcp/protocol/session_fsm.hh"
#include "mcp/protocol/tool_pages.hh"
#include "mcp/transport/restart_guard.hh"
#include "mcp/transport/transport.hh"

// The shell around session_fsm and detect_fsm: a client over whichever transport the server has. Everything it decides, the
// state machines decided. Its parts: session_open.cpp (detection, handshake, opening again), session_calls.cpp (what users
// ask for), session.cpp (messages).
namespace mcpstate::mcp {

class session final : public client {
 public:
  session(asio::any_io_executor executor, target where, client_options options);
  ~session() override;

  // Finds out what the server speaks and performs the handshake. After a failure: close().
  task<void> open();

  [[nodiscard]] const server_facts& facts() const noexcept override { return facts_; }
  task<tool_listing> list_tools() override;
  task<call_result> call_tool(std::string name, std::string arguments, call_options options) override;
  task<std::string> request(std::string method, std::string params, call_options options) override;
  task<void> ping() override;
  asio::awaitable<void> close() override;

 private:
  // A transport, and where its messages go. Once the session has moved on to another one, what still comes is ignored.
  // Shared with everybody who is inside a send().
  class way final : public message_sink {
   public:
    explicit way(session& owner) : owner_(owner) {}
    result<void> on_text(std::string text, std::uint64_t on_request) override;
    void on_refused(std::uint64_t request, http::answer what) override;
    void on_session_over(std::uint64_t request) override;
    void on_oddity(const std::string& what, const std::string& peer) override;
    void on_stream_ended() override;
    void on_gap() override;
    void on_lost(error why) override;
    [[nodiscard]] bool is_waiting(std::uint64_t id) const override;
    std::unique_ptr<transport> carrier;

   private:
    [[nodiscard]] bool current() const noexcept { return owner_.way_.get() == this; }
    session& owner_;
  };
  // A request under way; lives in the frame of ask().
  struct waiter {
    aio::latch answered;
    aio::latch over;  // the session ends: stop waiting
    aio::deadline until, at_most;
    std::chrono::milliseconds limit{0};
    std::chrono::steady_clock::duration patience{0};  // how much a sign of progress gives; 0: nothing
    std::function<void(const progress_report&)> on_progress;
    std::optional<message> answer;
    std::optional<error> failure;
    std::optional<http::answer> refusal;
    bool session_over = false;
  };
  // How long to wait for an answer, and what to do meanwhile.
  struct waiting {
    waiting() {}
    std::string name;                    // of the request, for errors
    std::chrono::milliseconds limit{0};  // …and how long it had
    aio::deadline until, at_most;
    std::chrono::steady_clock::duration patience{0};
    std::function<void(const progress_report&)> on_progress;
  };
  // What else there is to know about a request that failed.
  struct outcome {
    outcome() {}
    std::optional<http::answer> refusal;
    bool session_over = false;
  };

  // session.cpp: messages
  result<void> take_text(const std::string& text, std::uint64_t on_request);
  void react(session_fsm::reaction what);
  void take_progress(std::uint64_t id, const std::string& params);
  void lose(const error& why);
  task<message> ask(outgoing what, waiting rule, outcome& told);
  task<message> exchange(outgoing what, waiter& mine);
  asio::awaitable<void> run_out(waiter& mine);
  error why_unanswered(const waiter& mine, const waiting& rule, bool cancelled) const;
  asio::awaitable<void> deliver(outgoing what);
  void reply(outgoing what);
  asio::awaitable<void> send_replies();
  asio::awaitable<void> say_farewell(outgoing what);
  asio::awaitable<void> answer_server(message question, std::shared_ptr<aio::latch> taken_back);
  asio::awaitable<void> do_close();

  // session_open.cpp
  task<void> establish();
  [[nodiscard]] std::optional<era> known_era() const;
  void remember(const detect_fsm& detecting, std::optional<era> known, bool opened) const;
  task<void> ready();
  task<void> reopen();
  task<void> use(bool over_sse);
  asio::awaitable<void> leave();
  task<void> walk(detect_fsm& detecting, aio::deadline until);
  task<detect_fsm::step> follow_step(detect_fsm& detecting, detect_fsm::step now, aio::deadline until);
  task<void> start_again();
  asio::awaitable<observed> try_discover(std::string version, aio::deadline until);
  asio::awaitable<observed> try_initialize(aio::deadline until);
  asio::awaitable<observed> try_sse(aio::deadline until);
  task<void> settle(const detect_fsm::step& verdict, aio::deadline until);
  task<void> settle_modern(const std::string& version);
  task<void> settle_legacy(era found, aio::deadline until);
  void learn(handshake told, era found);
  asio::awaitable<void> listen();
  void step_taken(std::string what, std::chrono::steady_clock::time_point begun, const observed& got,
                  const std::optional<http::answer>& refusal = std::nullopt) const;
  [[nodiscard]] bool over_http() const noexcept { return std::holds_alternative<http_target>(where_); }

  // session_calls.cpp
  task<message> call(std::string method, std::string params, request_extras extras, call_options how);
  task<std::string> converse(std::string method, std::string params, request_extras extras, call_options how, bool may_list);
  task<std::string> answer_questions(std::string result);
  task<http::header_list> headers_for(std::string tool, std::string arguments);
  [[nodiscard]] waiting rule_for(const std::string& method, const call_options& how) const;

  asio::any_io_executor executor_;
  target where_;
  client_options options_;
  session_fsm fsm_;
  server_facts facts_;
  std::optional<message> last_answer_;          // of the last step of detection
  std::optional<http::answer> stream_refusal_;  // what came instead of the event stream of HTTP+SSE
  std::shared_ptr<way> way_;
  std::map<std::uint64_t, waiter*> waiters_;
  std::map<std::string, std::shared_ptr<aio::latch>> questions_;  // of the server, by raw id; opened when taken back
  tool_pages::header_map tool_headers_;                           // modern, HTTP: of the last listing
  bool listed_ = false;
  bool closed_ = false;
  std::optional<error> lost_;              // the session has ended
  std::shared_ptr<aio::latch> reopening_;  // somebody is about it
  std::shared_ptr<aio::latch> listening_;  // modern: the server has acknowledged the subscription, or said no
  std::optional<error> not_listening_;     // …and why not
  bool gap_ = false;                       // announcements may have been lost since the subscription broke
  restart_guard guard_;
  std::deque<outgoing> replies_;     // answers to the server's requests that wait to be sent
  std::size_t reply_bytes_ = 0;      // of their texts
  int repliers_ = 0;                 // who send them
  std::size_t farewells_ = 0;        // cancellations that are under way
  asio::steady_timer nobody_waits_;  // cancelled when the last waiter leaves, and the last cancellation
  aio::task_group group_;            // answers to the server's requests, cancellations, the subscription
};

}  // namespace mcpstate::mcp
