// SPDX-License-Identifier: MIT
#include "support/turns/turns.hh"

#include <atomic>
#include <cstdio>
#include <utility>

#include "support/turns/executor_thread.hh"

namespace mcpstate::test {

namespace {

std::atomic<unsigned long long> turns{0};
std::atomic<std::int64_t> longest{0};

void begin(executor_thread& thread) noexcept {
  thread.frames = 0;
  thread.slept = 0;
  thread.begun = processor_time(CLOCK_THREAD_CPUTIME_ID);
  ++thread.number;
}

turn_fault fault_of(executor_thread& thread, std::chrono::nanoseconds computed, std::chrono::nanoseconds slept) {
  turn_fault fault;
  fault.slept = computed <= turn_bound;
  fault.took = fault.slept ? slept : computed;
  void* const handler = const_cast<void*>(thread.handler.load());
  fault.handler = told_stack(&handler, 1);
  fault.stack = told_stack(thread.stack.data(), thread.frames);
  if (fault.slept) fault.waited_in = thread.waited_in.data();
  return fault;
}

void end(executor_thread& thread) {
  const std::chrono::nanoseconds computed(processor_time(CLOCK_THREAD_CPUTIME_ID) - thread.begun),
      slept(thread.slept.load());
  ++thread.number;
  ++turns;
  std::int64_t most = longest;
  while (computed.count() > most && !longest.compare_exchange_weak(most, computed.count())) {
  }
  if (computed > turn_bound || slept > turn_bound) on_turn_fault(fault_of(thread, computed, slept));
}

void leave() noexcept {
  executor_thread& thread = this_thread();
  if (thread.outside++ == 0) thread.begun -= processor_time(CLOCK_THREAD_CPUTIME_ID);
}

void resume() noexcept {
  executor_thread& thread = this_thread();
  if (--thread.outside == 0) thread.begun += processor_time(CLOCK_THREAD_CPUTIME_ID);
}

[[maybe_unused]] const bool are_measured = [] {
  leave_turn = leave;
  resume_turn = resume;
  return true;
}();

}  // namespace

turn::turn(const void* handler) noexcept {
  executor_thread& thread = this_thread();
  thread.handler = handler;
  if (thread.depth++ == 0 && !thread.worker) begin(thread);
}

turn::~turn() {
  executor_thread& thread = this_thread();
  if (--thread.depth == 0 && !thread.worker) end(thread);
}

void mark_worker_thread() noexcept { this_thread().worker = true; }

turn_totals all_turns() {
  turn_totals out;
  out.turns = turns;
  out.longest = std::chrono::nanoseconds(longest.load());
  return out;
}

std::uint64_t this_turn() noexcept { return this_thread().number; }

void restart_turns() {
  turns = 0;
  longest = 0;
}

std::string turn_fault::text() const {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  std::string out = "a turn of the executor " + std::string(slept ? "slept" : "computed") + " for " + std::to_string(ms) +
                    " ms; " + std::to_string(turn_bound.count()) + " are allowed\n";
  if (!waited_in.empty()) out += "  in the kernel: " + waited_in + "\n";
  return out + "  handler: " + handler +
         (stack.empty() ? "  no stack: it ended before anybody looked\n" : "  stack:\n" + stack);
}

}  // namespace mcpstate::test
