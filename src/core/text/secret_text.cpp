// SPDX-License-Identifier: MIT
#include "core/text/secret_text.hh"

#include <openssl/crypto.h>

namespace mcpstate {

void cleanse(std::string& text) noexcept {
  text.resize(text.capacity());  // takes no memory
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace mcpstate
