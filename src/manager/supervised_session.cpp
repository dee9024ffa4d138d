// SPDX-License-Identifier: MIT
#include "manager/supervised_session.hh"

#include <utility>

namespace mcpstate {

supervised_session::supervised_session(manager_context& context, std::function<void()> on_event)
    : context_(context), on_event_(std::move(on_event)) {}

void supervised_session::open(destination server, const managed_name& name) {
  close();
  auto receive = [this](link_event event) {
    inbox_.put(std::move(event));
    on_event_();
  };
  link_ = std::make_shared<server_link>(context_.records().executor(), std::move(receive));
  const attempt_services services(context_.attempts(), context_.pauses(), context_.startups());
  link_->open(std::move(server), context_.client_options_of(name), services, name.owner.text());
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

void supervised_session::ping() {
  if (link_) link_->ping();
}

}  // namespace mcpstate
