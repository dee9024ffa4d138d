// SPDX-License-Identifier: MIT
#include "support/authority.hh"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "support/turns/outside_turns.hh"

namespace mcpstate::test {

namespace {

constexpr const char* new_key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes ";

}  // namespace

void authority::openssl(const std::string& words) const {
  const outside_turns own;
  const std::string line = "cd '" + dir_.path().string() + "' && openssl " + words + " >>log 2>&1";
  if (std::system(line.c_str()) != 0) throw std::runtime_error("openssl " + words + " failed");
}

authority::authority() {
  openssl(std::string("req -x509 ") + new_key + "-days 2 -subj '/CN=an authority of tests' -keyout ca.key -out ca.crt");
}

issued_certificate authority::issue(const std::string& file, const std::string& names, int days) const {
  openssl(std::string("req ") + new_key + "-subj /CN=" + file + " -keyout " + file + ".key -out " + file + ".csr");
  std::ofstream(dir_.file(file + ".ext")) << (names.empty() ? "extendedKeyUsage=clientAuth" : "subjectAltName=" + names)
                                          << "\n";
  openssl("x509 -req -in " + file + ".csr -CA ca.crt -CAkey ca.key -CAcreateserial -days " + std::to_string(days) +
          " -extfile " + file + ".ext -out " + file + ".crt");
  issued_certificate out;
  out.certificate = dir_.file(file + ".crt");
  out.key = dir_.file(file + ".key");
  return out;
}

std::string authority::locked(const issued_certificate& made) const {
  openssl("pkey -in '" + made.key + "' -aes256 -passout pass:phrase -out '" + made.key + ".locked'");
  return made.key + ".locked";
}

}  // namespace mcpstate::test
