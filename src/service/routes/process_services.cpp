// SPDX-License-Identifier: MIT
#include "service/routes/process_services.hh"

namespace mcpstate::service {

process_services::process_services(process_options options, service::log& process_log)
    : log(process_log),
      owner_rate(options.owner_requests_per_second, options.owner_burst),
      owner_connects(options.owner_connects_per_second, options.owner_connect_burst),
      request_bodies(options.request_bodies_bytes, options.owner_request_bodies_bytes),
      answers(options.answers_bytes, options.owner_answers_bytes),
      keys_(std::make_shared<const access_keys>(std::move(options.keys))),
      servers_(std::move(options.servers)) {}

std::shared_ptr<const access_keys> process_services::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

void process_services::set_keys(access_keys keys) {
  auto replacement = std::make_shared<const access_keys>(std::move(keys));
  const std::lock_guard lock(mutex_);
  keys_.swap(replacement);
}

std::shared_ptr<const server_registry> process_services::servers() const {
  const std::lock_guard lock(mutex_);
  return servers_;
}

void process_services::set_servers(std::shared_ptr<const server_registry> servers) {
  const std::lock_guard lock(mutex_);
  servers_.swap(servers);
}

}  // namespace mcpstate::service
