// SPDX-License-Identifier: MIT
#include "support/redis_server.hh"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "support/turns/outside_turns.hh"

namespace mcpstate::test {
namespace {

// fork and not posix_spawn: the child asks to be killed when we end, however we end.
pid_t launch(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("cannot fork");
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  const int in = ::open("/dev/null", O_RDONLY);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

void run(const std::vector<std::string>& command, const std::string& log) {
  int status = 0;
  const pid_t pid = launch(command, log);
  if (::waitpid(pid, &status, 0) != pid || status != 0) throw std::runtime_error(command[0] + " failed; see " + log);
}

// valkey-server runs the same tests.
std::string server_program() {
  const char* const chosen = std::getenv("MCPSTATE_REDIS_SERVER");
  return chosen == nullptr ? "redis-server" : chosen;
}

// Connects to the unix socket and has a PING answered, an error included: a loading server is up, too.
bool answers(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  path.copy(where.sun_path, sizeof where.sun_path - 1);
  bool ok = ::connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
  char byte = 0;
  ok = ok && ::send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6;
  pollfd readable{fd, POLLIN, 0};
  ok = ok && ::poll(&readable, 1, 1000) == 1 && ::read(fd, &byte, 1) == 1;
  ::close(fd);
  return ok;
}

}  // namespace

redis_server::redis_server(redis_options options) : options_(std::move(options)) {
  const outside_turns own;
  std::string pattern = (std::filesystem::temp_directory_path() / "mcpstate-redis-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
  dir_ = pattern;
  if (options_.tls) make_certificates();
  if (!options_.config.empty()) std::ofstream(dir_ + "/server.conf") << options_.config;
  // The port was free a moment ago; somebody else may be faster.
  for (int attempt = 1;; ++attempt) {
    port_ = free_port();
    try {
      restart();
      return;
    } catch (const std::runtime_error&) {
      if (attempt == 3) throw;
    }
  }
}

redis_server::~redis_server() {
  const outside_turns own;
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

void redis_server::spawn() {
  const outside_turns own;
  const std::string port = std::to_string(port_);
  std::vector<std::string> command{server_program()};
  const auto add = [&](std::initializer_list<std::string> words) { command.insert(command.end(), words); };
  if (!options_.config.empty()) add({dir_ + "/server.conf"});
  add({"--dir", dir_, "--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--unixsocket", socket_path()});
  add({"--daemonize", "no"});
  if (options_.tls) {
    add({"--port", "0", "--tls-port", port, "--tls-auth-clients", "no"});
    add({"--tls-cert-file", dir_ + "/server.crt", "--tls-key-file", dir_ + "/server.key"});
    add({"--tls-ca-cert-file", ca_file()});
  } else {
    add({"--port", port});
  }
  for (const std::string& user : options_.acl) {
    add({"--user"});
    std::istringstream words(user);
    for (std::string word; words >> word;) command.push_back(word);
  }
  command.insert(command.end(), options_.args.begin(), options_.args.end());
  pid_ = launch(command, dir_ + "/redis.log");
}

void redis_server::restart() {
  spawn();
  wait_until_up();
}

void redis_server::wait_until_up() {
  const outside_turns own;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(15);
  while (!answers(socket_path())) {
    int status = 0;
    const bool ended = ::waitpid(pid_, &status, WNOHANG) == pid_;
    if (ended) pid_ = -1;
    if (ended || std::chrono::steady_clock::now() > until)
      throw std::runtime_error(server_program() + " is not up:\n" + log());
    ::poll(nullptr, 0, 5);
  }
}

std::string redis_server::log() const {
  std::ifstream file(dir_ + "/redis.log");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void redis_server::kill() {
  if (pid_ <= 0) return;
  const outside_turns own;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
}

void redis_server::freeze() {
  const outside_turns own;
  ::kill(pid_, SIGSTOP);
  int status = 0;
  ::waitpid(pid_, &status, WUNTRACED);
}

void redis_server::thaw() { ::kill(pid_, SIGCONT); }

void redis_server::make_certificates() {
  const std::string log = dir_ + "/openssl.log";
  const auto authority = [&](const std::string& name) {
    run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=" + name, "-keyout", dir_ + "/" + name + ".key", "-out", dir_ + "/" + name + ".crt"},
        log);
  };
  authority("ca");
  authority("other");
  run({"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
       "-keyout", dir_ + "/server.key", "-out", dir_ + "/server.csr"},
      log);
  std::ofstream(dir_ + "/names") << "subjectAltName=DNS:localhost\n";
  run({"openssl", "x509", "-req", "-in", dir_ + "/server.csr", "-CA", ca_file(), "-CAkey", dir_ + "/ca.key",
       "-CAcreateserial", "-days", "2", "-extfile", dir_ + "/names", "-out", dir_ + "/server.crt"},
      log);
}

}  // namespace mcpstate::test
