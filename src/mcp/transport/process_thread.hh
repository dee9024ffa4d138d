// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "aio/thread_answer.hh"
#include "aio/unique_fd.hh"
#include "mcp/transport/child_start.hh"
#include "mcp/transport/process_mark.hh"

// The thread that starts the programs of this process, ends what they leave behind, and reaps (ADR 5). Children die with the
// thread that forked them, so it lives as long as the process; nothing that it does blocks an executor.
namespace mcpstate::mcp {

// A child process that was started and is not reaped yet; so its number, and that of its group, is given to nobody else.
// Whoever owns it may send signals. The destructor kills it with everything that it has started; the thread then reaps it.
class started_child {
 public:
  started_child() = default;
  started_child(pid_t pid, program_mark mark, aio::unique_fd pidfd) noexcept;
  started_child(started_child&& other) noexcept;
  started_child& operator=(started_child&& other) noexcept;
  ~started_child();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] program_mark mark() const noexcept { return mark_; }
  // Readable once it has ended; -1 if the system gave none, or it was taken.
  [[nodiscard]] aio::unique_fd take_pidfd() noexcept { return std::move(pidfd_); }

 private:
  pid_t pid_ = -1;  // -1: there is none
  program_mark mark_ = 0;
  aio::unique_fd pidfd_;
};

struct start_outcome {
  start_outcome() {}
  started_child child;
  int code = 0;  // errno of a fork that failed; 0: there is a child
};

// All members may be called from any thread.
class process_thread {
 public:
  // One for the process; never destroyed, because its thread never ends.
  static process_thread& instance();

  // False if the thread cannot be started.
  bool start(std::shared_ptr<const child_plan> plan, aio::thread_answer<start_outcome>::giver outcome);
  // Sends a signal to what the program has started and what is no longer in its group.
  void signal_strays(program_mark mark, int signal);
  // Kills what the program has started, until nothing is left of it; answers then.
  void end_program(program_mark mark, aio::thread_answer<bool>::giver gone);
  // Kills the group of this child and what it has started, and reaps it when nothing is left.
  void abandon(pid_t pid, program_mark mark) noexcept;

  // For a process that has no children but those of its programs (`mcpstate serve`): orphans become its children and are
  // reaped, and a guard process ends all programs if this process is killed. Called once, before there are threads.
  void contain_orphans();
  // Ends the guard, which ends what is left of programs. Answers when it has ended, or has had time enough.
  void release_guard(aio::thread_answer<bool>::giver released);

 private:
  struct leader {
    program_mark mark = 0;
    bool abandoned = false;
    bool alive = false;  // something else of its program was seen in the last pass
  };
  struct ending {
    bool alive = false;
    std::vector<aio::thread_answer<bool>::giver> waiting;
  };
  using clock = std::chrono::steady_clock;
  using job = std::function<void()>;

  process_thread();
  bool run(job work);
  bool ensure_thread();
  void work();
  void wait_for_work();
  void do_start(const child_plan& plan, const aio::thread_answer<start_outcome>::giver& outcome);
  void start_guard();
  void inspect_soon();
  void inspect();
  void look_at(pid_t pid);
  void look_at_running(pid_t pid);
  [[nodiscard]] leader* find_leader(pid_t group, program_mark mark);
  void finish_pass();
  [[nodiscard]] bool unfinished() const;

  std::mutex mutex_;
  std::vector<job> jobs_;
  bool running_ = false;
  const program_mark instance_;
  aio::unique_fd wake_, child_signals_, guard_pipe_;
  pid_t guard_ = -1;

  // Of the thread.
  std::uint64_t started_ = 0;
  std::map<pid_t, leader> leaders_;         // children that are not reaped yet
  std::map<program_mark, pid_t> programs_;  // their numbers, by their marks
  std::map<program_mark, ending> endings_;  // programs that somebody waits for to be gone
  std::optional<clock::time_point> next_pass_;
  std::chrono::milliseconds pause_{0};  // between the last two passes
  clock::time_point guard_started_;
  std::optional<clock::time_point> guard_due_;  // to be started again
  bool contains_orphans_ = false;
};

}  // namespace mcpstate::mcp
