// SPDX-License-Identifier: MIT
#include "redis/topology/redirect.hh"

#include "core/text/number.hh"
#include "redis/topology/slot.hh"

namespace mcpstate::redis {
namespace {

struct meaning {
  std::string_view word;
  refusal_kind kind;
};
constexpr meaning first_words[] = {
    {"MOVED", refusal_kind::moved},
    {"ASK", refusal_kind::ask},
    {"TRYAGAIN", refusal_kind::try_again},
    {"CLUSTERDOWN", refusal_kind::cluster_down},
    {"CROSSSLOT", refusal_kind::cross_slot},
    {"LOADING", refusal_kind::loading},
    {"MASTERDOWN", refusal_kind::master_down},
    {"READONLY", refusal_kind::read_only},
    {"NOREPLICAS", refusal_kind::no_replicas},
    {"BUSY", refusal_kind::busy},
};

// What begins with ERR has no word of its own.
refusal_kind read_general(std::string_view rest) noexcept {
  if (rest.starts_with("max number of clients")) return refusal_kind::too_many_clients;
  if (rest.starts_with("Script attempted to ")) return refusal_kind::interrupted;
  return refusal_kind::none;
}

// "3999 127.0.0.1:6381"
void read_target(std::string_view rest, refusal& out) {
  const std::size_t space = rest.find(' ');
  if (space == std::string_view::npos) return;
  const auto slot = parse_number<std::uint16_t>(rest.substr(0, space));
  if (!slot || *slot >= slot_count) return;
  out.slot = *slot;
  out.target = announce(rest.substr(space + 1));
}

}  // namespace

refusal read_refusal(const reply& answer) {
  refusal out;
  if (!answer.is_error()) return out;
  const std::string_view text = answer.text;
  const std::size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  const std::string_view rest = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  if (word == "ERR") {
    out.kind = read_general(rest);
    return out;
  }
  for (const meaning& m : first_words) {
    if (word != m.word) continue;
    out.kind = m.kind;
    if (m.kind == refusal_kind::moved || m.kind == refusal_kind::ask) read_target(rest, out);
    break;
  }
  return out;
}

std::string_view words_of(refusal_kind kind) noexcept {
  switch (kind) {
    case refusal_kind::none:
      break;
    case refusal_kind::moved:
    case refusal_kind::ask:
      return "the nodes of the cluster name each other for this slot";
    case refusal_kind::try_again:
      return "the slot is being moved";
    case refusal_kind::cluster_down:
      return "the cluster does not serve this slot";
    case refusal_kind::cross_slot:
      return "the keys of one command lie in several slots";
    case refusal_kind::loading:
      return "the server is loading its data";
    case refusal_kind::master_down:
      return "the server is a replica that has lost its primary";
    case refusal_kind::read_only:
      return "the server is a replica and refuses writes";
    case refusal_kind::no_replicas:
      return "the server has too few replicas and refuses writes";
    case refusal_kind::busy:
      return "the server is busy with a script";
    case refusal_kind::too_many_clients:
      return "the server takes no more connections";
    case refusal_kind::interrupted:
      return "a script lost its slot while it ran";
  }
  return "the server refused it";
}

errc code_of(refusal_kind kind) noexcept {
  switch (kind) {
    case refusal_kind::moved:
    case refusal_kind::ask:
      return errc::connection_lost;
    case refusal_kind::cross_slot:
      return errc::bug;
    case refusal_kind::loading:
      return errc::loading;
    case refusal_kind::read_only:
      return errc::read_only;
    case refusal_kind::interrupted:
      return errc::outcome_unknown;
    default:
      return errc::server_error;
  }
}

}  // namespace mcpstate::redis
