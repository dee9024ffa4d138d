// SPDX-License-Identifier: MIT
#include "redis/link.hh"

#include <utility>

#include "redis/shell.hh"

namespace mcpstate::redis {

link::link(asio::any_io_executor executor, link_config config)
    : shell_(std::make_shared<shell>(std::move(executor), std::move(config))) {}

link::~link() = default;

void link::on_push(std::function<void(const reply&)> handler) { shell_->push_handler = std::move(handler); }
void link::on_state(std::function<void(bool ready)> handler) { shell_->state_handler = std::move(handler); }

void link::start() { shell_->start(); }
task<server_hello> link::ready(aio::deadline until) { return shell_->ready(until); }

// Not a coroutine itself: one frame and one call object per request is all that it costs.
task<std::vector<reply>> link::exec(request commands, aio::deadline until, effect what) {
  auto begin = [to = shell_.get(), commands = std::move(commands), until, what](auto handler) mutable {
    using made = shell::handler_call<decltype(handler)>;
    to->begin(std::make_unique<made>(std::move(handler), std::move(commands), until, what));
  };
  return asio::async_initiate<const asio::use_awaitable_t<>, void(shell::answer)>(std::move(begin), asio::use_awaitable);
}

bool link::connected() const noexcept { return shell_->session().now() == session_fsm::state::ready; }
const server_hello& link::hello() const noexcept { return shell_->session().hello(); }
std::size_t link::pending() const noexcept { return shell_->requests().pending(); }
std::string link::address() const { return shown_address(shell_->config); }
asio::awaitable<void> link::close() { return shell_->close(); }

}  // namespace mcpstate::redis
