// SPDX-License-Identifier: MIT
// A log whose reader is slow, stuck or gone: nobody waits for it, and what is lost is counted.
#include "service/operations/log_writer.hh"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mcpstate::service {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// All numbers of "dropped N", added.
std::uint64_t told(const std::string& text) {
  std::uint64_t out = 0;
  for (auto at = text.find("dropped "); at != std::string::npos; at = text.find("dropped ", at + 1))
    out += std::stoull(text.substr(at + 8));
  return out;
}

// Both ends of a pipe. Nobody reads from it unless the test does.
class test_pipe {
 public:
  test_pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  }
  ~test_pipe() {
    close_reader();
    close_writer();
  }
  test_pipe(const test_pipe&) = delete;
  test_pipe& operator=(const test_pipe&) = delete;

  [[nodiscard]] int writer() const { return ends_[1]; }
  void close_reader() { close_end(ends_[0]); }
  void close_writer() { close_end(ends_[1]); }
  // Reads until the text has come; everything that came. Waits at most 10 s.
  std::string read_until(const std::string& text) {
    while (read_.find(text) == std::string::npos && read_some()) {
    }
    return read_;
  }
  // Reads until the reports have told of so many dropped lines: then everything that was queued before has been written.
  std::string read_until_told(std::uint64_t lines) {
    while (told(read_) < lines && read_some()) {
    }
    return read_;
  }
  // Reads until the writer's end is closed everywhere.
  std::string read_all() {
    while (read_some()) {
    }
    return read_;
  }

 private:
  static void close_end(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  bool read_some() {
    pollfd waiting{};
    waiting.fd = ends_[0];
    waiting.events = POLLIN;
    if (::poll(&waiting, 1, 10'000) <= 0) return false;
    std::array<char, 64 * 1024> buffer;
    const auto size = ::read(ends_[0], buffer.data(), buffer.size());
    if (size <= 0) return false;
    read_.append(buffer.data(), static_cast<std::size_t>(size));
    return true;
  }

  std::array<int, 2> ends_{-1, -1};
  std::string read_;
};

std::string report(std::uint64_t lines) { return "dropped " + std::to_string(lines); }

log_writer_options small_queue() {
  log_writer_options out;
  out.queue_bytes = 256 * 1024;
  return out;
}

// More than a pipe and the queue hold together.
constexpr std::uint64_t too_many = 10'000;
const std::string long_line(100, 'x');  // NOLINT(cert-err58-cpp)

std::uint64_t count_lines(const std::string& text, const std::string& line) {
  std::uint64_t out = 0;
  for (auto at = text.find(line + "\n"); at != std::string::npos; at = text.find(line + "\n", at + line.size())) ++out;
  return out;
}

TEST(LogWriter, WritesAllLinesInOrder) {
  test_pipe pipe;
  {
    log_writer writer(pipe.writer(), report);
    for (int n = 0; n < 1000; ++n) writer.write("line " + std::to_string(n));
    EXPECT_EQ(writer.dropped(), 0U);
  }
  pipe.close_writer();
  std::string expected;
  for (int n = 0; n < 1000; ++n) expected += "line " + std::to_string(n) + "\n";
  EXPECT_EQ(pipe.read_all(), expected);
}

TEST(LogWriter, WritesLinesLongerThanAPipe) {
  test_pipe pipe;
  const std::string line(50'000, 'y');
  {
    log_writer writer(pipe.writer(), report);
    writer.write("before");
    writer.write(line);
    writer.write("after");
  }
  pipe.close_writer();
  EXPECT_EQ(pipe.read_all(), "before\n" + line + "\nafter\n");
}

TEST(LogWriter, NeverBlocksOnAStuckReader) {
  test_pipe pipe;
  const auto started = std::chrono::steady_clock::now();
  std::uint64_t dropped = 0;
  {
    log_writer writer(pipe.writer(), report, small_queue());
    for (std::uint64_t n = 0; n < too_many; ++n) writer.write(long_line);
    dropped = writer.dropped();
    EXPECT_LT(std::chrono::steady_clock::now() - started, 5s);
    EXPECT_GT(dropped, 0U);
    EXPECT_LT(dropped, too_many);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - started, 8s) << "closing waits a bounded time";
  pipe.close_writer();
  const auto text = pipe.read_all();
  EXPECT_LT(count_lines(text, long_line), too_many);
  EXPECT_THAT(text, Not(HasSubstr("after")));
}

TEST(LogWriter, ReportsDroppedLinesOnceThereIsRoom) {
  test_pipe pipe;
  std::uint64_t dropped = 0;
  {
    log_writer writer(pipe.writer(), report, small_queue());
    for (std::uint64_t n = 0; n < too_many; ++n) writer.write(long_line);
    dropped = writer.dropped();
    ASSERT_GT(dropped, 0U);
    EXPECT_EQ(told(pipe.read_until_told(dropped)), dropped);
    writer.write("after");
    EXPECT_THAT(pipe.read_until("after\n"), HasSubstr("after\n"));
    EXPECT_EQ(writer.dropped(), dropped);
  }
  pipe.close_writer();
  const auto text = pipe.read_all();
  EXPECT_EQ(told(text), dropped);
  EXPECT_EQ(count_lines(text, long_line) + dropped, too_many) << "every line is written or counted";
  EXPECT_LT(text.find("dropped "), text.find("after\n")) << "it is told before what came later";
}

TEST(LogWriter, SurvivesAReaderThatIsGone) {
  struct sigaction ignored{};
  struct sigaction before{};
  ignored.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignored, &before);
  test_pipe pipe;
  pipe.close_reader();
  const auto begun = std::chrono::steady_clock::now();
  {
    log_writer writer(pipe.writer(), report);
    for (int n = 0; n < 10; ++n) writer.write("nobody reads this");
  }
  ::sigaction(SIGPIPE, &before, nullptr);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);  // it neither ends the process nor waits for a reader
}

TEST(LogWriter, CountsALineThatNeverFits) {
  test_pipe pipe;
  log_writer_options options;
  options.queue_bytes = 100;
  {
    log_writer writer(pipe.writer(), report, options);
    writer.write(std::string(200, 'z'));
    EXPECT_EQ(writer.dropped(), 1U);
  }
  pipe.close_writer();
  EXPECT_EQ(pipe.read_all(), "dropped 1\n");
}

}  // namespace
}  // namespace mcpstate::service
