// SPDX-License-Identifier: MIT
#include "manager/supervised_session.hh"

#include <utility>

namespace mcpstate {

supervised_session::supervised_session(manager_context& context, std::function<void()> on_event)
    : context_(context), on_event_(std::move(on_event)) {}

void supervised_session::open(destination server, const managed_name& name) {
  close();
  auto receive = [this](link_event event) {
    inbox_.push_back(std::move(event));
    on_event_();
  };
  link_ = std::make_shared<server_link>(context_.records().executor(), std::move(receive));
  link_->open(std::move(server), context_.client_options_of(name), context_.attempts(), name.owner.text());
}

void supervised_session::close() {
  inbox_.clear();
  if (!link_) return;
  link_->remove_listener();
  closing_ = link_;
  context_.close_later(std::exchange(link_, nullptr));
}

asio::awaitable<void> supervised_session::wait_closed(aio::deadline until) {
  if (const auto last = closing_.lock()) co_await last->closed().wait(until);
}

void supervised_session::list() {
  if (link_) link_->list();
}

void supervised_session::ping(std::chrono::milliseconds limit) {
  if (link_) link_->ping(limit);
}

std::optional<link_event> supervised_session::take_event() {
  if (inbox_.empty()) return std::nullopt;
  std::optional<link_event> out = std::move(inbox_.front());
  inbox_.pop_front();
  return out;
}

}  // namespace mcpstate
