// SPDX-License-Identifier: MIT
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

// A real redis-server of one's own: a free port, a temporary directory, ended by its process id. MCPSTATE_REDIS_SERVER names
// another program that takes the same arguments (valkey-server). Blocking; for tests. Make it on the main thread: the kernel ends
// the server with the thread that started it, so that no end of a test leaves one behind.
namespace mcpstate::test {

struct redis_options {
  redis_options() {}
  bool tls = false;               // TLS on port(); certificates for "localhost" made for this server
  std::vector<std::string> args;  // more command-line arguments, e.g. "--requirepass", "x"
  std::vector<std::string> acl;   // users, e.g. "alice on >wonder ~* &* +@all"
  std::string config;             // of a configuration file that the server may write itself, as a Sentinel does
};

class redis_server {
 public:
  // Starts it and waits until it answers (that it is loading, for one); throws std::runtime_error with its log otherwise.
  explicit redis_server(redis_options options = {});
  ~redis_server();
  redis_server(const redis_server&) = delete;
  redis_server& operator=(const redis_server&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }              // plain, or TLS if asked for
  [[nodiscard]] std::string socket_path() const { return dir_ + "/redis.sock"; }   // always there, never TLS
  [[nodiscard]] std::string ca_file() const { return dir_ + "/ca.crt"; }           // with tls
  [[nodiscard]] std::string other_ca_file() const { return dir_ + "/other.crt"; }  // one that did not sign
  [[nodiscard]] const std::string& dir() const noexcept { return dir_; }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] std::string log() const;

  void kill();     // SIGKILL, and waits for its end
  void restart();  // on the same port, with the same directory; kill() first
  // For the next restart().
  [[nodiscard]] std::vector<std::string>& args() noexcept { return options_.args; }
  void freeze();  // SIGSTOP, and waits until it has stopped
  void thaw();    // SIGCONT

 private:
  void spawn();
  void wait_until_up();
  void make_certificates();

  redis_options options_;
  std::string dir_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

// A port that nothing listens on right now.
[[nodiscard]] std::uint16_t free_port();

}  // namespace mcpstate::test
