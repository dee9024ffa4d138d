// SPDX-License-Identifier: MIT
// A process that works on an SQLite store, for tests that need several, or one that dies.
//
//     sqlite_writer count PATH TIMES   adds TIMES to a number kept in one record, each time fenced; exit 0
//     sqlite_writer states PATH        writes states for ever, one line of output per round
//     sqlite_writer records PATH TIMES writes so many records of one owner; exit 0
//     sqlite_writer fill PATH          writes until the disk is "full", prints the error's name, goes on with more room
//     sqlite_writer room PATH KB       on a disk of so many KB, mounted over the directory of PATH: fills it, and prints what
//                                      works then; "no mount" where this user may not mount
//     sqlite_writer open PATH          opens as a user without privileges and prints the error's name, or ok
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

#include <mcpstate/open_store.hpp>

namespace mcpstate {

namespace {

owner who() { return owner::user("1").value(); }
server_name name(const std::string& text) { return server_name::parse(text).value(); }

task<connection> count_once(store& s) {
  auto got = co_await s.get(who(), name("counter"), tools_wanted::no);
  if (!got) co_return got.error();
  failure f;
  f.code = "count";
  f.attempt = *got && (*got)->info.error ? (*got)->info.error->attempt + 1 : 1;
  change next(who(), name("counter"), status::failed);
  next.fail(f).based_on(*got ? (*got)->seen : basis());
  co_return co_await s.put(std::move(next));
}

asio::awaitable<int> count(store& s, int times) {
  while (times > 0) {
    const auto done = co_await count_once(s);
    if (!done && !done.error().is(cond::conflict)) {
      std::cout << done.error().full_text() << std::endl;
      co_return 1;
    }
    if (done) --times;
  }
  co_return 0;
}

asio::awaitable<int> states(store& s) {
  for (;;) {
    for (const auto to : {status::connected, status::failed, status::disconnected}) {
      change c(who(), name("torn"), to);
      std::string list("[\"");
      list.append(to_text(to)).append("\"").append(20'000, ' ').append("]");
      if (to != status::disconnected) c.tools(tools_list::parse(std::move(list)).value());
      const auto done = co_await s.put(std::move(c));
      if (!done) co_return 1;
    }
    std::cout << "round" << std::endl;
  }
}

task<connection> put_bytes(store& s, std::string server, std::size_t size) {
  change c(who(), name(server), status::connected);
  std::string list = "[1" + std::string(size, ' ') + "]";
  c.tools(tools_list::parse(std::move(list)).value());
  co_return co_await s.put(std::move(c));
}

asio::awaitable<int> records(store& s, int times) {
  for (int i = 0; i < times; ++i) {
    const auto done = co_await put_bytes(s, "r" + std::to_string(i), 2000);
    if (!done) co_return 1;
  }
  co_return 0;
}

void limit_files(rlim_t bytes) {
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = bytes;
  setrlimit(RLIMIT_FSIZE, &limit);
}

asio::awaitable<int> fill(store& s) {
  std::signal(SIGXFSZ, SIG_IGN);
  limit_files(1024 * 1024);
  int written = 0;
  for (;;) {
    const auto done = co_await put_bytes(s, "s" + std::to_string(written), 100'000);
    if (done) {
      ++written;
      continue;
    }
    std::cout << name_of(done.error().code()) << " " << done.error().full_text() << std::endl;
    break;
  }
  // What was there is whole, what failed is not there, and reading goes on.
  const auto all = co_await s.list(who(), tools_wanted::yes);
  if (!all || (*all)->size() != static_cast<std::size_t>(written)) co_return 2;
  for (const auto& c : **all) {
    if (!c.problems.empty() || !c.tools || sha256_tag(*c.tools) != c.info.tools_hash) co_return 3;
  }
  limit_files(RLIM_INFINITY);
  const auto after = co_await put_bytes(s, "after", 100'000);
  co_return after&& written > 0 ? 0 : 4;
}

// A disk of its own, which goes with this process.
bool mount_disk(const std::string& directory, int kilobytes) {
  const bool user = geteuid() != 0;
  if (unshare(CLONE_NEWNS | (user ? CLONE_NEWUSER : 0)) != 0) return false;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  const std::string size = "size=" + std::to_string(kilobytes) + "k";
  return mount("tmpfs", directory.c_str(), "tmpfs", 0, size.c_str()) == 0;
}

owner numbered(int number) { return owner::user("u" + std::to_string(number)).value(); }

task<connection> put_for(store& s, owner account, std::size_t size) {
  change c(std::move(account), name("a"), status::connected);
  c.tools(tools_list::parse("[1" + std::string(size, ' ') + "]").value());
  co_return co_await s.put(std::move(c));
}

// Writes for one owner after the other until nothing more fits. Answers how many there are.
asio::awaitable<int> fill_disk(store& s, std::size_t size) {
  for (int written = 0;; ++written) {
    const auto done = co_await put_for(s, numbered(written), size);
    if (done) continue;
    if (done.error().code() != errc::disk_full) std::cout << "refused: " << done.error().full_text() << std::endl;
    co_return written;
  }
}

template <class T>
void say(const char* what, const result<T>& done) {
  std::cout << what << " " << (done ? "ok" : std::string(name_of(done.error().code()))) << std::endl;
}

asio::awaitable<int> room(store& s) {
  std::signal(SIGXFSZ, SIG_IGN);
  const int large = co_await fill_disk(s, 20'000);
  co_await fill_disk(s, 100);  // to the last page
  const std::optional<server_name> every;
  const std::optional<basis> any;
  const managed_name managed(numbered(0), name("a"));
  say("put", co_await put_for(s, numbered(1), 20'000));
  say("touch", co_await s.touch(numbered(2), every));
  say("disconnect", co_await s.disconnect(numbered(3), name("a"), any));
  say("disconnect_all", co_await s.disconnect(numbered(4), every, any));
  for (int i = 5; i < large; ++i) {
    const auto gone = co_await s.erase(numbered(i));
    if (!gone || i == 5) say("erase", gone);
    if (!gone) break;
  }
  say("put_again", co_await put_for(s, numbered(5), 20'000));
  const auto left = co_await s.list(numbered(5), tools_wanted::yes);
  std::cout << "large " << large << std::endl;
  co_return left && (*left)->size() == 1 ? 0 : 3;
}

void drop_privileges() {
  if (geteuid() != 0) return;
  if (setgroups(0, nullptr) != 0 || setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) std::exit(9);
}

asio::awaitable<int> work(std::string mode, std::string path, int times) {
  const auto executor = co_await asio::this_coro::executor;
  if (mode == "open") drop_privileges();
  if (mode == "room" && !mount_disk(std::filesystem::path(path).parent_path().string(), times)) {
    std::cout << "no mount" << std::endl;
    co_return 0;
  }
  store_options options;
  options.timeout = std::chrono::seconds(20);
  auto opened = co_await open_sqlite_store(executor, path, options);
  if (!opened) {
    std::cout << name_of(opened.error().code()) << " " << opened.error().full_text() << std::endl;
    co_return mode == "open" ? 0 : 1;
  }
  int code = 0;
  if (mode == "count") code = co_await count(**opened, times);
  if (mode == "states") code = co_await states(**opened);
  if (mode == "records") code = co_await records(**opened, times);
  if (mode == "fill") code = co_await fill(**opened);
  if (mode == "room") code = co_await room(**opened);
  if (mode == "open") std::cout << "ok" << std::endl;
  co_await (*opened)->close();
  co_return code;
}

}  // namespace

}  // namespace mcpstate

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  int code = 1;
  boost::asio::io_context io;
  auto ended = [&code](const std::exception_ptr& failure, int result) { code = failure ? 8 : result; };
  boost::asio::co_spawn(io, mcpstate::work(argv[1], argv[2], argc > 3 ? std::atoi(argv[3]) : 0), std::move(ended));
  io.run();
  return code;
}
