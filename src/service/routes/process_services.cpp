// SPDX-License-Identifier: MIT
#include "service/routes/process_services.hh"

namespace mcpstate::service {

byte_budget::reservation byte_budget::reserve(std::size_t bytes) {
  const std::size_t before = used_.fetch_add(bytes);
  if (bytes == 0 || before + bytes <= limit_) return reservation(*this, bytes);
  used_ -= bytes;
  return reservation();
}

process_services::process_services(process_options options, service::log& process_log)
    : log(process_log),
      owner_rate(options.owner_requests_per_second, options.owner_burst),
      request_bodies(options.request_bodies_bytes),
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
