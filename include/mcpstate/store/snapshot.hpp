// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <mcpstate/core/connection.hpp>

namespace mcpstate {

// Whether a read brings the tools of each record.
enum class tools_wanted { no, yes };

// All records of one owner at one moment, ordered by server name. Immutable: any number of threads may read it, and it stays
// valid after the store is closed. Tools are shared, not copied.
//
//     const owner_snapshot_ptr all = (co_await connections.list(who, tools_wanted::no)).value();
//     for (const connection& one : *all) std::cout << one.server << " is " << to_text(one.state) << "\n";
class owner_snapshot {
 public:
  owner_snapshot(mcpstate::owner account, std::vector<connection> records, tools_wanted tools);

  [[nodiscard]] const mcpstate::owner& owner() const noexcept { return owner_; }
  [[nodiscard]] const std::vector<connection>& records() const noexcept { return records_; }
  // What was asked for: with `no`, connection::tools is null in all records.
  [[nodiscard]] tools_wanted tools() const noexcept { return tools_; }
  // A number made of the content: equal for equal records, in every process, and different after any change of a record.
  // 64 bits of a hash, so it tells versions of one owner apart and is no proof against forgery.
  [[nodiscard]] std::uint64_t version() const;

  [[nodiscard]] auto begin() const noexcept { return records_.begin(); }
  [[nodiscard]] auto end() const noexcept { return records_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  [[nodiscard]] bool empty() const noexcept { return records_.empty(); }
  [[nodiscard]] const connection& operator[](std::size_t i) const { return records_[i]; }
  [[nodiscard]] const connection& front() const { return records_.front(); }
  [[nodiscard]] const connection& back() const { return records_.back(); }

 private:
  mcpstate::owner owner_;
  std::vector<connection> records_;
  tools_wanted tools_;
};

using owner_snapshot_ptr = std::shared_ptr<const owner_snapshot>;

}  // namespace mcpstate
