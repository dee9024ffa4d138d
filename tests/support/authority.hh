// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "support/temp_dir.hh"

// A certificate authority of one's own, made with openssl in a directory of its own. Blocking; for tests. Throws
// std::runtime_error when openssl fails.
namespace mcpstate::test {

struct issued_certificate {
  std::string certificate, key;  // paths of PEM files
};

class authority {
 public:
  authority();
  [[nodiscard]] std::string certificate() const { return dir_.file("ca.crt"); }
  // names: "DNS:localhost,IP:127.0.0.1"; empty: a certificate for a client. days: -1 makes one that has expired.
  [[nodiscard]] issued_certificate issue(const std::string& file, const std::string& names = {}, int days = 2) const;
  // The key encrypted with a pass phrase.
  [[nodiscard]] std::string locked(const issued_certificate& made) const;

 private:
  void openssl(const std::string& words) const;
  temp_dir dir_;
};

}  // namespace mcpstate::test
