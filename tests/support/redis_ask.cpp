// SPDX-License-Identifier: MIT
#include "support/redis_ask.hh"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "aio/unique_fd.hh"
#include "redis/parser.hh"
#include "support/turns/outside_turns.hh"

namespace mcpstate::test {

redis::reply ask_server(redis_server& server, const std::vector<std::string>& command) {
  const outside_turns own;
  redis::request asked;
  asked.command(command.size());
  for (const std::string& word : command) asked.arg(word);
  const aio::unique_fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  server.socket_path().copy(where.sun_path, sizeof where.sun_path - 1);
  const std::string& bytes = asked.bytes();
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 ||
      ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error("cannot ask a server");
  }
  redis::parser answer(redis::parser::limits{});
  char chunk[4096];
  for (;;) {
    pollfd readable{fd.get(), POLLIN, 0};
    const int polled = ::poll(&readable, 1, 20000);
    if (polled < 0 && errno == EINTR) continue;  // a turn is being measured
    const ssize_t n = polled == 1 ? ::read(fd.get(), chunk, sizeof chunk) : 0;
    if (n <= 0) throw std::runtime_error("a server does not answer to " + command.front() + ":\n" + server.log());
    std::string_view in(chunk, static_cast<std::size_t>(n));
    if (answer.feed(in) == redis::parser::status::ready) return answer.take();
  }
}

}  // namespace mcpstate::test
