// SPDX-License-Identifier: MIT
#include "redis/error_meaning.hh"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace mcpstate::redis {
namespace {

using kind = refusal_kind;

constexpr error_meaning meanings[] = {
    {"MOVED", kind::moved, errc::connection_lost, "the nodes of the cluster name each other for this slot"},
    {"ASK", kind::ask, errc::connection_lost, "the nodes of the cluster name each other for this slot"},
    {"TRYAGAIN", kind::try_again, errc::server_error, "the slot is being moved"},
    {"CLUSTERDOWN", kind::cluster_down, errc::server_error,
     "the cluster does not serve this slot; it does again when its nodes are back"},
    {"CROSSSLOT", kind::cross_slot, errc::bug, "the keys of one command lie in several slots"},
    {"LOADING", kind::loading, errc::loading, "the server is loading its data"},
    {"MASTERDOWN", kind::master_down, errc::server_error,
     "the server is a replica that has lost its primary; it answers again when that is back"},
    {"READONLY", kind::read_only, errc::read_only, "the server is a replica and refuses writes"},
    {"NOREPLICAS", kind::no_replicas, errc::read_only,
     "the server has fewer replicas than min-replicas-to-write and refuses writes; it takes them again when these are back"},
    {"BUSY", kind::busy, errc::server_error,
     "the server is busy with a script; it answers again when that ends, and SCRIPT KILL ends one"},
    {"ERR max number of clients", kind::too_many_clients, errc::server_error,
     "the server takes no more connections; it does again when others leave, or with a larger maxclients"},
    {"ERR Script attempted to", kind::interrupted, errc::outcome_unknown, "a script lost its slot while it ran"},

    {"WRONGTYPE", kind::none, errc::wrong_type, "a key holds another type than it should"},
    {"OOM", kind::none, errc::out_of_memory, "the server has reached its memory limit"},
    {"MISCONF", kind::none, errc::read_only, "the server cannot save to disk and refuses writes"},
    {"NOAUTH", kind::none, errc::auth_failed, "the server asks for a password"},
    {"WRONGPASS", kind::none, errc::auth_failed, "the server refuses user or password"},
    {"NOPERM", kind::none, errc::auth_failed, "the server's access list does not permit this"},
    {"DENIED", kind::none, errc::auth_failed,
     "the server is in protected mode; give it a password, or connect from its own machine"},
};

bool begins_with_words(std::string_view text, std::string_view words) noexcept {
  return text.starts_with(words) && (text.size() == words.size() || text[words.size()] == ' ');
}

}  // namespace

const error_meaning* find_meaning(std::string_view error_text) noexcept {
  const auto* const found = std::find_if(std::begin(meanings), std::end(meanings), [&](const error_meaning& each) {
    return begins_with_words(error_text, each.beginning);
  });
  return found == std::end(meanings) ? nullptr : found;
}

const error_meaning& meaning_of(refusal_kind wanted) noexcept {
  const auto* const found =
      std::find_if(std::begin(meanings), std::end(meanings), [&](const error_meaning& each) { return each.kind == wanted; });
  assert(wanted != kind::none && found != std::end(meanings));
  return *found;
}

bool refuses_hello(std::string_view error_text) noexcept {
  const auto says = [&](std::string_view words) { return error_text.find(words) != std::string_view::npos; };
  return error_text.starts_with("NOPROTO") || says("unknown command") || says("unsupported command");
}

}  // namespace mcpstate::redis
