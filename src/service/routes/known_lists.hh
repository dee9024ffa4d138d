// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

// What the bytes of a stored tool list are. The store may hold junk that another program wrote, and no response may contain it.
// Pure. Safe to use from any thread.
namespace mcpstate::service {

// What may be done with stored bytes.
enum class list_kind {
  junk,  // no JSON array, or one that is deeper than what is handed on
  deep,  // a JSON array that may be handed on alone
  list,  // a JSON array that may stand in a record: no deeper than the lists which the service accepts
};

// Of the tools of one record.
struct list_facts {
  list_facts() {}
  list_kind kind = list_kind::junk;
  std::string digest;  // digest_of() the bytes
};

// Remembers, by digest, what bytes were found to be: the same lists are read again and again, and each is parsed once.
class known_lists {
 public:
  // Reads each byte once, and those of an unknown list twice.
  [[nodiscard]] list_facts inspect(std::string_view bytes);
  [[nodiscard]] list_kind kind_of(std::string_view bytes, const std::string& digest);
  [[nodiscard]] std::size_t size() const;

  static constexpr std::size_t max_size = 8192;  // digests, about a megabyte; a full map is emptied

 private:
  mutable std::mutex mutex_;  // guards what follows
  std::unordered_map<std::string, list_kind> kinds_;
};

}  // namespace mcpstate::service
