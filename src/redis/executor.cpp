// SPDX-License-Identifier: MIT
#include "redis/executor.hh"

#include <cstddef>
#include <iterator>

#include "redis/link.hh"

namespace mcpstate::redis {

asio::awaitable<std::vector<executor::outcome>> executor::exec_all(std::vector<routed_request> requests, aio::deadline until,
                                                                   effect kind) {
  request together;
  std::vector<std::size_t> sizes;
  for (const routed_request& each : requests) {
    sizes.push_back(each.commands.commands());
    together.append(each.commands);
  }
  auto got = co_await exec(route::to_any(), std::move(together), until, kind);
  std::vector<outcome> out;
  out.reserve(sizes.size());
  std::size_t first = 0;
  for (const std::size_t size : sizes) {
    if (!got) {
      out.emplace_back(got.error());
      continue;
    }
    const auto begin = std::make_move_iterator(got->begin() + static_cast<std::ptrdiff_t>(first));
    out.emplace_back(std::vector<reply>(begin, begin + static_cast<std::ptrdiff_t>(size)));
    first += size;
  }
  co_return out;
}

std::shared_ptr<executor> make_executor(asio::any_io_executor home, link_config config) {
  return make_link(std::move(home), std::move(config));
}

}  // namespace mcpstate::redis
