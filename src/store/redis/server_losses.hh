// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/lease.hpp>

// Finds out what a Redis server has lost, from what INFO says of it. Pure.
//
// Records of a server that has been started again, or that has taken over the data of another one, may be gone; so may those
// of a server that was flushed, or that had to make room. A record that is gone without any of these was removed by somebody.
namespace mcpstate {

class server_losses {
 public:
  // The sections of INFO that note_info() reads.
  static constexpr std::string_view sections[] = {"server", "replication", "stats"};

  // An answer to INFO. The first one says what the server was like before anything was lost.
  void note_info(std::string_view info);
  // The server has told that it was flushed.
  void note_flush() noexcept { ++found_.flushed; }

  [[nodiscard]] const data_losses& found() const noexcept { return found_; }

 private:
  std::string run_id_, replication_id_;
  std::optional<std::uint64_t> evicted_keys_;  // by the server's own count
  data_losses found_;
};

// What watchers are told who have heard of `told` (event::remark); empty: nothing.
[[nodiscard]] std::string_view loss_remark(const data_losses& told, const data_losses& found) noexcept;

}  // namespace mcpstate
