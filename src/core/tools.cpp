// SPDX-License-Identifier: MIT
#include <mcpstate/core/tools.hpp>

#include <openssl/evp.h>

#include <array>

#include "core/json/depth.hh"
#include "core/json/text.hh"
#include "core/text/hex.hh"

namespace mcpstate {
namespace {

const EVP_MD* sha256_algorithm() {
  // Looked up once: OpenSSL 3 searches its providers at each use of EVP_sha256(). Lives as long as the program.
  static const EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return found;
}

// Default-constructed lists share their bytes and their hash.
const std::shared_ptr<const std::string>& no_tools() {
  static const auto bytes = std::make_shared<const std::string>("[]");
  return bytes;
}

}  // namespace

std::string sha256_tag(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, sha256_algorithm(), nullptr) != 1 || length != 32) {
    throw std::runtime_error("OpenSSL cannot compute SHA-256");
  }
  return "sha256:" + to_hex(std::string_view(reinterpret_cast<const char*>(digest.data()), length));
}

tools_list::tools_list() : bytes_(no_tools()) {
  static const std::string hash = sha256_tag(*no_tools());
  hash_ = hash;
}

tools_list::tools_list(std::shared_ptr<const std::string> bytes, std::size_t count)
    : bytes_(std::move(bytes)), count_(count), hash_(sha256_tag(*bytes_)) {}

result<tools_list> tools_list::parse(std::string bytes, std::size_t limit) {
  if (bytes.size() > limit) {
    return error(errc::too_large,
                 "a tool list of " + std::to_string(bytes.size()) + " bytes is over the limit of " + std::to_string(limit));
  }
  const json_check check = check_json(bytes, json_shape::array, json_depth_of_tools);
  if (!check.ok) {
    return error(errc::bad_tools, "tools are not a JSON array: " + check.fault + " at byte " + std::to_string(check.offset));
  }
  return tools_list(std::make_shared<const std::string>(std::move(bytes)), check.elements);
}

}  // namespace mcpstate
