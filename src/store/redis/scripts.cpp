// SPDX-License-Identifier: MIT
#include "store/redis/scripts.hh"

#include <openssl/evp.h>

#include <array>
#include <cstddef>

#include "core/text/hex.hh"

namespace mcpstate::redis_scripts {
namespace {

// In the order of script_id.
constexpr std::array<std::string_view, 19> paths{
    "/put.lua",        "/order.lua",       "/disconnect.lua",    "/disconnect_all.lua", "/touch.lua",        "/erase.lua",
    "/claim.lua",      "/claim_copy.lua",  "/claim_release.lua", "/claim_close.lua",    "/restore.lua",      "/repair.lua",
    "/take_lease.lua", "/renew_lease.lua", "/end_lease.lua",     "/index_leases.lua",   "/index_owners.lua", "/unheld.lua",
    "/beat.lua"};
static_assert(paths.size() == static_cast<std::size_t>(script_id::beat) + 1);

std::string sha1_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::string out;
  for (unsigned i = 0; i < size; ++i) append_hex(out, digest[i]);
  return out;
}

const std::array<script, paths.size()>& scripts() {
  static const auto loaded = [] {
    std::array<script, paths.size()> out;
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i].text = script_text(paths[i]).value();
      out[i].sha1 = sha1_hex(out[i].text);
    }
    return out;
  }();
  return loaded;
}

}  // namespace

const script& script_of(script_id id) { return scripts()[static_cast<std::size_t>(id)]; }

std::span<const script> all_scripts() { return scripts(); }

}  // namespace mcpstate::redis_scripts
