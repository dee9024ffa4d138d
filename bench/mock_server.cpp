// SPDX-License-Identifier: MIT
// An MCP server that answers as fast as it can, so that what is measured is the client: Streamable HTTP of 2025, stateless,
// JSON answers, one tool. It takes well-formed requests of one packet or many, and reads no more of them than it must.
// Prints its URL, and ends when its standard input does.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

constexpr std::string_view tools =
    R"({"tools":[{"name":"echo","description":"Says it again","inputSchema":{"type":"object","properties":)"
    R"({"message":{"type":"string"}},"required":["message"]}}]})";

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(EXIT_FAILURE);
}

// What stands behind the last `name`, up to one of `ends`.
std::string_view member(std::string_view body, std::string_view name, std::string_view ends = "\"") {
  const std::size_t at = body.rfind(name);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = body.substr(at + name.size());
  return rest.substr(0, rest.find_first_of(ends));
}

std::string with_body(std::string_view body) {
  std::string out = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
  out.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  return out;
}

std::string answer(std::string_view head, std::string_view body) {
  if (!head.starts_with("POST ")) return "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n";
  const std::string_view id = member(body, "\"id\":", ",}");
  if (id.empty()) return "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
  const std::string_view method = member(body, "\"method\":\"");
  std::string out = "{\"jsonrpc\":\"2.0\",\"id\":";
  out.append(id).append(",");
  if (method == "tools/call") {
    const std::string_view words = member(body, "\"message\":\"");
    out.append(R"("result":{"content":[{"type":"text","text":"Echo: )").append(words).append("\"}]}}");
  } else if (method == "tools/list") {
    out.append("\"result\":").append(tools).append("}");
  } else if (method == "initialize") {
    out.append(R"("result":{"protocolVersion":")").append(member(body, "\"protocolVersion\":\""));
    out.append(R"(","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}}})");
  } else {
    out.append(R"("error":{"code":-32601,"message":"Method not found"}})");
  }
  return with_body(out);
}

std::size_t length_of(std::string_view head) {
  std::string lower(head);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  constexpr std::string_view name = "\r\ncontent-length:";
  std::size_t at = lower.find(name);
  if (at == std::string::npos) return 0;
  at = lower.find_first_not_of(' ', at + name.size());
  std::size_t out = 0;
  std::from_chars(lower.data() + at, lower.data() + lower.size(), out);
  return out;
}

// Answers the whole requests in `text` and takes them away.
void serve(int socket, std::string& text) {
  for (;;) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const std::string_view head = std::string_view(text).substr(0, end);
    const std::size_t whole = end + 4 + length_of(head);
    if (text.size() < whole) return;
    const std::string out = answer(head, std::string_view(text).substr(end + 4, whole - end - 4));
    if (::send(socket, out.data(), out.size(), MSG_NOSIGNAL) < 0) return;  // it has gone; the next read tells
    text.erase(0, whole);
  }
}

int listen_somewhere() {
  const int out = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof here;
  if (::bind(out, reinterpret_cast<sockaddr*>(&here), size) != 0 || ::listen(out, 4096) != 0) give_up("listen");
  if (::getsockname(out, reinterpret_cast<sockaddr*>(&here), &size) != 0) give_up("getsockname");
  std::printf("http://127.0.0.1:%d/mcp\n", ntohs(here.sin_port));
  std::fflush(stdout);
  return out;
}

class server {
 public:
  server() {
    watch(listener_);
    watch(STDIN_FILENO);
  }

  void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int ready = events[static_cast<std::size_t>(i)].data.fd;
        if (ready == STDIN_FILENO) return;
        if (ready == listener_) {
          accept_all();
        } else {
          read(ready);
        }
      }
    }
  }

 private:
  void watch(int what) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = what;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, what, &event) != 0) give_up("epoll_ctl");
  }

  void accept_all() {
    for (int got = 0; (got = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      const int on = 1;
      ::setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(got);
    }
  }

  void read(int from) {
    const ssize_t got = ::recv(from, buffer_.data(), buffer_.size(), 0);
    if (got > 0) {
      std::string& text = unread_[from];
      serve(from, text.append(buffer_.data(), static_cast<std::size_t>(got)));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      unread_.erase(from);
      ::close(from);
    }
  }

  int epoll_ = ::epoll_create1(0);
  int listener_ = listen_somewhere();
  std::unordered_map<int, std::string> unread_;  // of each connection: the beginning of a request
  std::array<char, 65536> buffer_{};
};

}  // namespace

int main() {
  server().run();
  return EXIT_SUCCESS;
}
