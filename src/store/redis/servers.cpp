// SPDX-License-Identifier: MIT
#include "store/redis/servers.hh"

#include <utility>

#include "store/redis/store.hh"

namespace mcpstate {

redis::sentinel_config sentinel_config_of(const store_url& url, redis::link_config link) {
  redis::sentinel_config out;
  out.link = std::move(link);
  for (const store_host& each : url.hosts) out.sentinels.emplace_back(each.name, each.port);
  out.name = url.master;
  out.sentinel_user = url.sentinel_user;
  out.sentinel_password = url.sentinel_password;
  out.sentinel_tls = url.tls;
  for (const store_url::translation& each : url.nat) {
    const redis::endpoint internal(each.internal.name, each.internal.port);
    out.nat.add(internal, redis::endpoint(each.external.name, each.external.port));
  }
  return out;
}

namespace {

redis::cluster_config cluster_config_of(const store_url& url) {
  redis::cluster_config out;
  for (const store_host& each : url.hosts) out.seeds.emplace_back(each.name, each.port);
  if (out.seeds.empty()) out.seeds.emplace_back(url.host, url.port);
  for (const store_url::translation& each : url.nat) {
    const redis::endpoint internal(each.internal.name, each.internal.port);
    out.nat.add(internal, redis::endpoint(each.external.name, each.external.port));
  }
  return out;
}

}  // namespace

redis_servers::redis_servers(asio::any_io_executor executor, const store_url& url, const store_options& options)
    : executor_(std::move(executor)),
      cluster_(cluster_config_of(url)),
      is_cluster_(url.servers == store_url::topology::cluster),
      replicas_(options.durable) {
  if (url.servers != store_url::topology::sentinel) return;
  watch_ = redis::make_sentinel_watch(executor_, sentinel_config_of(url, link_config_of(url, options)));
}

std::shared_ptr<redis::executor> redis_servers::open(redis::link_config config) const {
  if (is_cluster_) {
    redis::cluster_config whole = cluster_;
    whole.link = std::move(config);
    return redis::make_cluster_router(executor_, std::move(whole));
  }
  if (!watch_) return redis::make_executor(executor_, std::move(config));
  const auto rule = replicas_ ? redis::write_rule::while_confirmed : redis::write_rule::always;
  return redis::make_sentinel_executor(watch_, std::move(config), rule);
}

std::unique_ptr<redis::durable_writer> redis_servers::open_durable(redis::link_config config) const {
  if (!replicas_) return nullptr;
  config.client_name = "mcpstate-durable";
  redis::durable_rules rules;
  rules.replicas = *replicas_;
  auto own = open(std::move(config));
  return std::make_unique<redis::durable_writer>(executor_, std::move(own), rules);
}

}  // namespace mcpstate
