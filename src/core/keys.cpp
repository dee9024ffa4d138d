// SPDX-License-Identifier: MIT
#include <mcpstate/core/keys.hpp>

#include <algorithm>
#include <array>

#include "core/text/ascii.hh"
#include "core/text/trimmed.hh"

namespace mcpstate {
namespace {

constexpr std::string_view server_mark = "server:";
constexpr std::string_view staging_mark = "staging";
constexpr std::string_view owners_mark = ":owners:";
constexpr std::string_view tools_mark = "tools:";
constexpr std::string_view auth_mark = "auth:";
constexpr std::size_t max_prefix_bytes = 64;

struct kind_name {
  key_kind kind;
  std::string_view text;
};
// The words that end a key of one record. Do not change: other programs read them.
constexpr std::array<kind_name, 5> record_fields = {{{key_kind::status, "status"},
                                                     {key_kind::tools, "tools"},
                                                     {key_kind::connected_at, "connected_at"},
                                                     {key_kind::info, "info"},
                                                     {key_kind::lease, "lease"}}};
// What follows the server of a credential.
constexpr std::array<kind_name, 5> credential_fields = {{{key_kind::credential, ""},
                                                         {key_kind::credential_headers, ":headers"},
                                                         {key_kind::credential_values, ":values"},
                                                         {key_kind::credential_lock, ":lock"},
                                                         {key_kind::login, ":login"}}};
// Keys that are one word behind the prefix, or one word and a part.
constexpr std::array<kind_name, 2> single_keys = {{{key_kind::instances, "instances"}, {key_kind::layout_marker, "layout"}}};
constexpr std::array<kind_name, 2> hash_keys = {
    {{key_kind::oauth_flow, "oauth:flow:"}, {key_kind::oauth_client, "oauth:client:"}}};

template <std::size_t N>
std::optional<key_kind> kind_of(const std::array<kind_name, N>& known, std::string_view text) noexcept {
  for (const kind_name& each : known) {
    if (each.text == text) return each.kind;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string_view text_of(const std::array<kind_name, N>& known, key_kind kind) noexcept {
  for (const kind_name& each : known) {
    if (each.kind == kind) return each.text;
  }
  return {};
}

bool is_word_byte(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

bool is_nonce(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_word_byte);
}

// As std::to_string writes it.
bool is_shard(std::string_view text) noexcept {
  constexpr std::size_t max_digits = 9;
  if (text.empty() || text.size() > max_digits || (text.size() > 1 && text.front() == '0')) return false;
  return std::all_of(text.begin(), text.end(), is_digit);
}

bool is_hash(std::string_view text) noexcept {
  constexpr std::size_t sha256_digits = 64;
  return text.size() == sha256_digits &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_slot(std::string_view text) noexcept {
  constexpr std::size_t max_slot_bytes = 4;
  return !text.empty() && text.size() <= max_slot_bytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); });
}

// "{1bz}:…" → "1bz"; absent without such a tag.
std::optional<std::string_view> take_slot(std::string_view& rest) noexcept {
  const std::size_t end = rest.find("}:");
  if (!rest.starts_with('{') || end == std::string_view::npos) return std::nullopt;
  const std::string_view slot = rest.substr(1, end - 1);
  if (!is_slot(slot)) return std::nullopt;
  rest.remove_prefix(end + 2);
  return slot;
}

parsed_key with_part(key_kind kind, std::string_view part) {
  parsed_key out(kind);
  out.part = part;
  return out;
}

// "github:owners:3"
std::optional<parsed_key> identify_server_owners(std::string_view rest) {
  const std::size_t mark = rest.find(owners_mark);
  if (mark == std::string_view::npos) return std::nullopt;
  const std::string_view member = rest.substr(0, mark), shard = rest.substr(mark + owners_mark.size());
  if (!is_shard(shard) || name_of_member(member).foreign) return std::nullopt;
  parsed_key out = with_part(key_kind::server_owners, shard);
  out.member = member;
  return out;
}

// "a:b" → {"a", "b"} at the last colon; without one, {"", text}.
struct split_text {
  std::string_view before, after;
};
split_text split_last(std::string_view text) noexcept {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {{}, text};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

// The member, field and nonce of what follows ":server:". A last part that names a field decides, so that a foreign member
// "x:staging" keeps its status; no nonce of ours is such a word.
bool parse_record_part(std::string_view rest, key_space::parsed& out) {
  if (rest.find(':') == std::string_view::npos) return false;
  const split_text last = split_last(rest);
  if (const std::optional<key_kind> field = kind_of(record_fields, last.after)) {
    out.field = *field;
    out.member = std::string(last.before);
    return true;
  }
  if (last.before.find(':') == std::string_view::npos) return false;
  const split_text mark = split_last(last.before);
  if (mark.after != staging_mark || !is_nonce(last.after)) return false;
  out.field = key_field::staging;
  out.member = std::string(mark.before);
  out.nonce = std::string(last.after);
  return true;
}

}  // namespace

result<key_space> key_space::make(std::string_view prefix, key_layout layout) {
  const auto allowed = [](char c) { return is_word_byte(c) || c == '.' || c == ':'; };
  const bool parts =
      !prefix.empty() && prefix.front() != ':' && prefix.back() != ':' && prefix.find("::") == std::string_view::npos;
  if (!parts || prefix.size() > max_prefix_bytes || !std::all_of(prefix.begin(), prefix.end(), allowed)) {
    return error(errc::bad_argument,
                 "a key prefix is 1 to 64 letters, digits, '_', '.' and '-', with ':' between its parts");
  }
  return key_space(std::string(prefix), layout);
}

std::string key_space::kind_prefix(owner_kind kind) const {
  return prefix_ + (kind == owner_kind::user ? ":user:" : ":session:");
}

// "user:42:"
std::string key_space::owner_text(const owner& account) const {
  const std::string id = encode_name(account.id());
  std::string out = account.kind() == owner_kind::user ? "user:" : "session:";
  out.reserve(out.size() + id.size() + 3);
  if (layout_ == key_layout::tagged) return out.append("{").append(id).append("}:");
  return out.append(id).append(":");
}

std::string key_space::owner_prefix(const owner& account) const { return prefix_ + ":" + owner_text(account); }

std::string key_space::connections(const owner& account) const { return owner_prefix(account).append("connections"); }

std::string key_space::servers(const owner& account) const { return owner_prefix(account).append("servers"); }

std::string key_space::server_key(const owner& account, std::string_view member, key_field field) const {
  return owner_prefix(account).append(server_mark).append(member).append(":").append(text_of(record_fields, field));
}

std::string key_space::staging(const owner& account, std::string_view member, std::string_view nonce) const {
  std::string out = owner_prefix(account).append(server_mark).append(member).append(":");
  return out.append(staging_mark).append(":").append(nonce);
}

std::string key_space::server_owners(const server_name& server, unsigned shard) const {
  std::string out = prefix_ + ":";
  return out.append(server_mark).append(encode_name(server.text())).append(owners_mark) + std::to_string(shard);
}

std::string key_space::managed(unsigned shard) const { return prefix_ + ":managed:" + std::to_string(shard); }

std::string key_space::instances() const { return build(parsed_key(key_kind::instances)); }

std::string key_space::slot_server_owners(std::string_view slot, const server_name& server) const {
  parsed_key parts(key_kind::slot_server_owners);
  parts.slot = slot;
  parts.member = encode_name(server.text());
  return build(parts);
}

std::string key_space::slot_managed(std::string_view slot) const {
  parsed_key parts(key_kind::slot_managed);
  parts.slot = slot;
  return build(parts);
}

std::string key_space::layout_marker() const { return build(parsed_key(key_kind::layout_marker)); }

std::string key_space::shared_tools(std::string_view hash) const { return build(with_part(key_kind::shared_tools, hash)); }

std::string key_space::slot_shared_tools(std::string_view slot, std::string_view hash) const {
  parsed_key parts = with_part(key_kind::slot_shared_tools, hash);
  parts.slot = slot;
  return build(parts);
}

std::string key_space::credential_key(const owner& account, const server_name& server, key_kind kind) const {
  parsed_key parts(kind);
  parts.owner = account;
  parts.member = encode_name(server.text());
  return build(parts);
}

std::string key_space::credential_names(const owner& account) const {
  parsed_key parts(key_kind::credential_names);
  parts.owner = account;
  return build(parts);
}

std::string key_space::oauth_flow(std::string_view hash) const { return build(with_part(key_kind::oauth_flow, hash)); }

std::string key_space::oauth_client(std::string_view hash) const { return build(with_part(key_kind::oauth_client, hash)); }

std::string key_space::build(const parsed_key& parts) const {
  if (parts.kind == key_kind::connections) return connections(*parts.owner);
  if (parts.kind == key_kind::servers) return servers(*parts.owner);
  if (parts.kind == key_kind::staging) return staging(*parts.owner, parts.member, parts.part);
  if (!text_of(record_fields, parts.kind).empty()) return server_key(*parts.owner, parts.member, parts.kind);
  std::string out = prefix_ + ":";
  switch (parts.kind) {
    case key_kind::managed:
      return out.append("managed:").append(parts.part);
    case key_kind::server_owners:
      return out.append(server_mark).append(parts.member).append(owners_mark).append(parts.part);
    case key_kind::slot_managed:
      return out.append("{").append(parts.slot).append("}:managed");
    case key_kind::slot_server_owners:
      return out.append("{").append(parts.slot).append("}").append(owners_mark).append(parts.member);
    case key_kind::instances:
    case key_kind::layout_marker:
      return out.append(text_of(single_keys, parts.kind));
    case key_kind::shared_tools:
      return out.append(tools_mark).append(parts.part);
    case key_kind::slot_shared_tools:
      return out.append(tools_mark).append("{").append(parts.slot).append("}:").append(parts.part);
    case key_kind::credential:
    case key_kind::credential_headers:
    case key_kind::credential_values:
    case key_kind::credential_lock:
    case key_kind::login:
      out.append(auth_mark).append(owner_text(*parts.owner)).append(server_mark).append(parts.member);
      return out.append(text_of(credential_fields, parts.kind));
    case key_kind::credential_names:
      return out.append(auth_mark).append(owner_text(*parts.owner)).append("names");
    case key_kind::oauth_flow:
    case key_kind::oauth_client:
      return out.append(text_of(hash_keys, parts.kind)).append(parts.part);
    default:
      break;
  }
  return out;
}

// "user:42:…" → the owner; what follows the colon stays in rest.
std::optional<owner> key_space::take_owner(std::string_view& rest) const {
  const bool user = take_prefix(rest, "user:");
  if (!user && !take_prefix(rest, "session:")) return std::nullopt;
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view id = rest.substr(0, colon);
  if (layout_ == key_layout::tagged) {
    if (id.size() < 2 || id.front() != '{' || id.back() != '}') return std::nullopt;
    id = id.substr(1, id.size() - 2);
  }
  const std::optional<std::string> decoded = decode_name(id);
  if (!decoded) return std::nullopt;
  const result<owner> account = owner::make(user ? owner_kind::user : owner_kind::session, *decoded);
  if (!account) return std::nullopt;
  rest.remove_prefix(colon + 1);
  return *account;
}

std::optional<key_space::parsed> key_space::parse(std::string_view key) const {
  if (!take_prefix(key, prefix_) || !take_prefix(key, ":")) return std::nullopt;
  const std::optional<owner> account = take_owner(key);
  if (!account) return std::nullopt;
  parsed out{*account, key_kind::connections, {}, {}};
  if (key == "connections") return out;
  out.field = key_kind::servers;
  if (key == "servers") return out;
  if (!take_prefix(key, server_mark) || !parse_record_part(key, out)) return std::nullopt;
  return out;
}

std::optional<parsed_key> key_space::identify(std::string_view key) const {
  if (std::optional<parsed> ours = parse(key)) {
    parsed_key out = with_part(ours->field, ours->nonce);
    out.owner = std::move(ours->owner);
    out.member = std::move(ours->member);
    return out;
  }
  if (!take_prefix(key, prefix_) || !take_prefix(key, ":")) return std::nullopt;
  if (const std::optional<key_kind> single = kind_of(single_keys, key)) return parsed_key(*single);
  if (take_prefix(key, "managed:")) return is_shard(key) ? std::optional(with_part(key_kind::managed, key)) : std::nullopt;
  if (take_prefix(key, server_mark)) return identify_server_owners(key);
  if (take_prefix(key, tools_mark)) return identify_tools(key);
  if (take_prefix(key, auth_mark)) return identify_credential(key);
  for (const kind_name& each : hash_keys) {
    if (take_prefix(key, each.text)) return is_hash(key) ? std::optional(with_part(each.kind, key)) : std::nullopt;
  }
  return identify_slot(key);
}

// "user:42:names", "user:42:server:github:lock". No member of ours holds a colon.
std::optional<parsed_key> key_space::identify_credential(std::string_view rest) const {
  parsed_key out(key_kind::credential_names);
  out.owner = take_owner(rest);
  if (!out.owner) return std::nullopt;
  if (rest == "names") return out;
  if (!take_prefix(rest, server_mark)) return std::nullopt;
  const std::size_t colon = std::min(rest.find(':'), rest.size());
  const std::optional<key_kind> kind = kind_of(credential_fields, rest.substr(colon));
  if (!kind || name_of_member(rest.substr(0, colon)).foreign) return std::nullopt;
  out.kind = *kind;
  out.member = rest.substr(0, colon);
  return out;
}

// "{1bz}:managed", "{1bz}:owners:github"
std::optional<parsed_key> key_space::identify_slot(std::string_view rest) const {
  const auto slot = layout_ == key_layout::tagged ? take_slot(rest) : std::nullopt;
  if (!slot) return std::nullopt;
  parsed_key out(key_kind::slot_managed);
  out.slot = *slot;
  if (rest == "managed") return out;
  if (!take_prefix(rest, owners_mark.substr(1)) || name_of_member(rest).foreign) return std::nullopt;
  out.kind = key_kind::slot_server_owners;
  out.member = rest;
  return out;
}

// A hash, or "{1bz}:" and a hash.
std::optional<parsed_key> key_space::identify_tools(std::string_view rest) const {
  const auto slot = layout_ == key_layout::tagged ? take_slot(rest) : std::nullopt;
  if (!is_hash(rest)) return std::nullopt;
  parsed_key out = with_part(slot ? key_kind::slot_shared_tools : key_kind::shared_tools, rest);
  if (slot) out.slot = *slot;
  return out;
}

}  // namespace mcpstate
