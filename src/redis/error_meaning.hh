// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>

#include <mcpstate/core/error.hpp>

// What the error replies of servers mean, in one table. Pure.
namespace mcpstate::redis {

// What an error reply says about who should have been asked, or when.
enum class refusal_kind {
  none,              // an answer, or an error about the command itself
  moved,             // another node has the slot
  ask,               // another node has these keys already; only for this once
  try_again,         // the keys of one command are being moved, and lie on two nodes
  cluster_down,      // the cluster does not serve this slot, or any
  cross_slot,        // the keys of one command lie in several slots
  loading,           // the node is loading its data
  master_down,       // a replica that has lost its primary
  read_only,         // a replica
  no_replicas,       // a primary with fewer replicas than it needs for a write
  busy,              // a script runs for long
  too_many_clients,  // the node takes no more connections
  interrupted,       // a script lost a slot while it ran: it may have written before
};

struct error_meaning {
  std::string_view beginning;  // of the reply, in whole words
  refusal_kind kind;
  // Of an error when nothing but this was heard.
  errc code;
  // For people, as the end of a sentence. Where it heals by itself, they say when; else what to do.
  std::string_view words;
};

// The meaning of an error reply; null: it has no word of its own.
[[nodiscard]] const error_meaning* find_meaning(std::string_view error_text) noexcept;
// The meaning of a kind; not of none.
[[nodiscard]] const error_meaning& meaning_of(refusal_kind kind) noexcept;

// Whether the error says that HELLO 3 is not known there. Servers and proxies have words of their own for it.
[[nodiscard]] bool refuses_hello(std::string_view error_text) noexcept;

}  // namespace mcpstate::redis
