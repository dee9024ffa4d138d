// SPDX-License-Identifier: MIT
#include "service/gate/access_keys.hh"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <vector>

#include "core/file.hh"
#include "core/text/base64.hh"
#include "core/text/trimmed.hh"

namespace mcpstate::service {

namespace {

constexpr std::string_view owner_token_start = "mcps1.";
constexpr std::size_t signature_chars = 43;                                                    // 32 bytes in base64url
constexpr std::size_t max_owner_token = 6 + 4 * (9 + 20 + 520) / 3 + 1 + signature_chars + 4;  // for the longest owner
constexpr std::size_t key_id_bytes = 8;  // with a space, 9: 12 characters in base64url
constexpr std::size_t max_file_bytes = 64UL * 1024;

std::string hmac(std::string_view key, std::string_view text) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  auto* output = reinterpret_cast<unsigned char*>(out.data());
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, text.size(), output, &size) == nullptr) {
    throw std::runtime_error("HMAC-SHA256 is not available");
  }
  out.resize(size);
  return out;
}

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// Says what is wrong with a service token, without any part of it. Empty: nothing is wrong.
std::string fault_of(std::string_view token) {
  if (token.size() < access_keys::min_token_bytes) {
    return "is too short: a token has at least " + std::to_string(access_keys::min_token_bytes) + " characters";
  }
  if (token.size() > access_keys::max_token_bytes) {
    return "is too long: a token has at most " + std::to_string(access_keys::max_token_bytes) + " characters";
  }
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; })) {
    return "holds something else than visible ASCII characters";
  }
  if (token.starts_with(owner_token_start)) return "is an owner token, not a service token";
  return {};
}

// Recognises a service token. The token is the text of the HMAC and not its key, because "x" and "x\0" are the same key.
std::string digest_of(std::string_view token) { return hmac("mcpstate service token", token); }

error refused() { return error(errc::auth_failed, "the token is not valid"); }

}  // namespace

result<access_keys> access_keys::parse(std::string_view text) {
  access_keys out;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const auto fault = fault_of(line);
    if (!fault.empty()) return error(errc::bad_argument, "the token in line " + std::to_string(number) + " " + fault);
    if (out.keys_.size() == max_keys) {
      return error(errc::bad_argument, "there are more than " + std::to_string(max_keys) + " tokens");
    }
    key added;
    added.digest = digest_of(line);
    added.signing = hmac(line, "mcpstate owner tokens");
    const auto id = to_base64url(hmac(line, "mcpstate key id")).substr(0, key_id_bytes);
    added.id = to_base64url(id + " ");
    out.keys_.push_back(std::move(added));
  }
  if (out.keys_.empty()) return error(errc::bad_argument, "there is no token");
  return out;
}

const access_keys::key* access_keys::find_service(std::string_view token) const {
  if (token.size() < min_token_bytes || token.size() > max_token_bytes) return nullptr;
  const auto digest = digest_of(token);
  const key* found = nullptr;
  // Always compares all of them, so that the time reveals nothing.
  for (const auto& candidate : keys_) found = equal(candidate.digest, digest) ? &candidate : found;
  return found;
}

bool access_keys::has(const identity& bearer) const {
  return bearer.key.empty() ||
         std::any_of(keys_.begin(), keys_.end(), [&](const key& candidate) { return candidate.id == bearer.key; });
}

result<identity> access_keys::verify(std::string_view token, timestamp now) const {
  if (token.starts_with(owner_token_start)) return verify_owner(token, now);
  const key* const found = find_service(token);
  if (found == nullptr) return refused();
  identity out;
  out.key = found->id;
  return out;
}

result<identity> access_keys::verify_owner(std::string_view token, timestamp now) const {
  if (token.size() > max_owner_token) return refused();
  const auto dot = token.rfind('.');
  const auto signed_part = token.substr(0, dot);
  if (signed_part.size() <= owner_token_start.size()) return refused();
  const auto payload = signed_part.substr(owner_token_start.size());
  const auto signature = token.substr(dot + 1);
  const auto signer = std::find_if(keys_.begin(), keys_.end(), [&](const key& candidate) {
    return payload.starts_with(candidate.id) && equal(to_base64url(hmac(candidate.signing, signed_part)), signature);
  });
  if (signer == keys_.end()) return refused();
  // "KEYID EXPIRY OWNER", as mint() wrote it.
  const auto text = from_base64url(payload);
  if (!text || text->size() <= key_id_bytes) return refused();
  const char* first = text->data() + key_id_bytes + 1;
  const char* last = text->data() + text->size();
  std::int64_t expiry = 0;
  const auto [end, ec] = std::from_chars(first, last, expiry);
  if (ec != std::errc() || end == last) return refused();
  const auto subject = owner::parse(std::string_view(end + 1, static_cast<std::size_t>(last - end) - 1));
  if (!subject) return refused();
  identity out;
  out.kind = token_kind::owner;
  out.key = signer->id;
  out.subject = *subject;
  out.expires_at = timestamp(std::chrono::seconds(expiry));
  if (now >= *out.expires_at) return error(errc::auth_failed, "the token has expired");
  return out;
}

std::string access_keys::mint(const owner& subject, std::chrono::seconds ttl, timestamp now) const {
  if (keys_.empty()) throw std::logic_error("mint() without keys");
  const auto& signer = keys_.front();
  const auto expiry = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()) + ttl;
  std::string out(owner_token_start);
  // The id is 12 characters for 9 bytes, so the rest can be encoded on its own.
  out += signer.id + to_base64url(std::to_string(expiry.count()) + " " + subject.text());
  auto signature = to_base64url(hmac(signer.signing, out));
  return out + "." + signature;
}

result<access_keys> read_access_keys(const std::string& path) {
  auto file = read_regular_file(path, max_file_bytes);
  if (file.what == file_content::outcome::too_large)
    return error(errc::too_large, "the token file " + path + " is over 64 KiB");
  if (!file.ok()) return error(errc::bad_argument, "the token file " + path + " cannot be read: " + file.reason);
  const auto keys = access_keys::parse(file.bytes);
  OPENSSL_cleanse(file.bytes.data(), file.bytes.size());
  if (!keys) return error(keys.error().code(), "the token file " + path + ": " + keys.error().detail());
  return *keys;
}

}  // namespace mcpstate::service
