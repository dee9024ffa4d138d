// SPDX-License-Identifier: MIT
#include <mcpstate/core/keys.hpp>

#include <algorithm>
#include <array>

namespace mcpstate {
namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";
constexpr std::string_view server_mark = "server:";
constexpr std::string_view staging_mark = "staging";
constexpr std::string_view owners_mark = ":owners:";
constexpr std::size_t max_prefix_bytes = 64;

// The fields that end a key of one record. Do not change: other programs read them.
struct field_name {
  key_field field;
  std::string_view text;
};
constexpr std::array<field_name, 5> record_fields = {{{key_field::status, "status"},
                                                      {key_field::tools, "tools"},
                                                      {key_field::connected_at, "connected_at"},
                                                      {key_field::info, "info"},
                                                      {key_field::lease, "lease"}}};

constexpr bool is_encoded_byte(unsigned char byte) noexcept {
  return byte < 0x20 || byte == 0x7f ||
         std::string_view(":%{}*?[]\\").find(static_cast<char>(byte)) != std::string_view::npos;
}

bool is_word_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::optional<key_field> record_field(std::string_view text) noexcept {
  for (const field_name& known : record_fields) {
    if (known.text == text) return known.field;
  }
  return std::nullopt;
}

std::string_view text_of(key_field field) noexcept {
  for (const field_name& known : record_fields) {
    if (known.field == field) return known.text;
  }
  return field == key_field::connections ? "connections" : field == key_field::servers ? "servers" : staging_mark;
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
  if (const std::optional<key_field> field = record_field(last.after)) {
    out.field = *field;
    out.member = std::string(last.before);
    return true;
  }
  if (last.before.find(':') == std::string_view::npos) return false;
  const split_text mark = split_last(last.before);
  if (mark.after != staging_mark || last.after.empty() || !std::all_of(last.after.begin(), last.after.end(), is_word_byte)) {
    return false;
  }
  out.field = key_field::staging;
  out.member = std::string(mark.before);
  out.nonce = std::string(last.after);
  return true;
}

}  // namespace

std::string encode_name(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (!is_encoded_byte(byte)) {
      out += c;
      continue;
    }
    out += '%';
    out += hex_digits[byte >> 4u];
    out += hex_digits[byte & 15u];
  }
  return out;
}

std::optional<std::string> decode_name(std::string_view encoded) {
  std::string out;
  out.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    const char c = encoded[i];
    if (c != '%') {
      if (is_encoded_byte(static_cast<unsigned char>(c))) return std::nullopt;
      out += c;
      continue;
    }
    if (encoded.size() - i < 3) return std::nullopt;
    const std::size_t high = hex_digits.find(encoded[i + 1]);
    const std::size_t low = hex_digits.find(encoded[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    const auto byte = static_cast<unsigned char>(high * 16 + low);
    if (!is_encoded_byte(byte)) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

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

std::string key_space::owner_prefix(const owner& who) const {
  const std::string id = encode_name(who.id());
  std::string out = kind_prefix(who.kind());
  out.reserve(out.size() + id.size() + 3);
  if (layout_ == key_layout::tagged) return out.append("{").append(id).append("}:");
  return out.append(id).append(":");
}

std::string key_space::connections(const owner& who) const {
  return owner_prefix(who).append(text_of(key_field::connections));
}

std::string key_space::servers(const owner& who) const { return owner_prefix(who).append(text_of(key_field::servers)); }

std::string key_space::server_key(const owner& who, std::string_view member, key_field field) const {
  return owner_prefix(who).append(server_mark).append(member).append(":").append(text_of(field));
}

std::string key_space::staging(const owner& who, std::string_view member, std::string_view nonce) const {
  return server_key(who, member, key_field::staging).append(":").append(nonce);
}

std::string key_space::server_owners(const server_name& server, unsigned shard) const {
  std::string out = prefix_ + ":";
  return out.append(server_mark).append(encode_name(server.text())).append(owners_mark) + std::to_string(shard);
}

std::string key_space::managed(unsigned shard) const { return prefix_ + ":managed:" + std::to_string(shard); }

std::string key_space::instances() const { return prefix_ + ":instances"; }

bool is_server_owners(const key_space& keys, std::string_view key) {
  const std::string start = keys.prefix() + ":" + std::string(server_mark);
  if (!key.starts_with(start)) return false;
  key.remove_prefix(start.size());
  const std::size_t mark = key.find(owners_mark);
  if (mark == std::string_view::npos || name_of_member(key.substr(0, mark)).foreign) return false;
  const std::string_view shard = key.substr(mark + owners_mark.size());
  return !shard.empty() && std::all_of(shard.begin(), shard.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<key_space::parsed> key_space::parse(std::string_view key) const {
  for (const owner_kind kind : {owner_kind::user, owner_kind::session}) {
    const std::string start = kind_prefix(kind);
    if (!key.starts_with(start)) continue;
    key.remove_prefix(start.size());
    const std::size_t colon = key.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view id = key.substr(0, colon);
    if (layout_ == key_layout::tagged) {
      if (id.size() < 2 || id.front() != '{' || id.back() != '}') return std::nullopt;
      id = id.substr(1, id.size() - 2);
    }
    const std::optional<std::string> decoded = decode_name(id);
    if (!decoded) return std::nullopt;
    const result<owner> who = owner::make(kind, *decoded);
    if (!who) return std::nullopt;
    parsed out{*who, key_field::connections, {}, {}};
    std::string_view rest = key.substr(colon + 1);
    if (rest == text_of(key_field::connections)) return out;
    out.field = key_field::servers;
    if (rest == text_of(key_field::servers)) return out;
    if (!rest.starts_with(server_mark) || !parse_record_part(rest.substr(server_mark.size()), out)) return std::nullopt;
    return out;
  }
  return std::nullopt;
}

member_name name_of_member(std::string_view member) {
  const std::optional<std::string> decoded = decode_name(member);
  if (decoded && server_name::parse(*decoded)) return {*decoded, false};
  return {std::string(member), true};
}

}  // namespace mcpstate
