// SPDX-License-Identifier: MIT
// The part of doctor that checks the connection, the server and the rights of the user.
#include <chrono>
#include <iterator>
#include <utility>

#include "store/redis/checked_reply.hh"
#include "store/redis/doctor/examine.hh"
#include "store/redis/doctor/server_info.hh"
#include "store/redis_acl.hh"

namespace mcpstate {

using redis::reply;
using redis::request;
using std::chrono::microseconds;

namespace {

constexpr std::size_t pings = 20;  // one after the other

// Not a command of any server. In a transaction it makes sure that nothing runs.
constexpr const char* no_command = "MCPSTATE.NONE";

bool lacks_right(const reply& refusal) { return refusal.is_error() && refusal.text.starts_with("NOPERM"); }

}  // namespace

void redis_examiner::add(std::string_view check, level severity, std::string text) {
  finding f;
  f.check = check;
  f.severity = severity;
  f.text = std::move(text);
  findings_.push_back(std::move(f));
}

task<void> redis_examiner::setup() {
  MCPSTATE_CO_CHECK(co_await measure_latency());
  request commands;
  commands.add("INFO").add("ACL", "WHOAMI").add("CONFIG", "GET", "save");
  MCPSTATE_CO_TRY(got, co_await store_.read(std::move(commands), "doctor"));
  const auto user = text_of(got[1], "doctor");
  check_access(user ? std::string(*user) : std::string());
  MCPSTATE_CO_CHECK(co_await check_rights());
  const auto& hello = store_.redis_->hello();
  add("version", level::ok, hello.server + " " + hello.version + " (" + hello.mode + ")");
  findings_.push_back(judge_clock(store_.clock_ahead_));
  const auto info = text_of(got[0], "doctor");
  if (!info) {
    add("info", level::note, "this user may not run INFO: persistence, memory, eviction and replicas were not checked");
    co_return result<void>();
  }
  server_circumstances known;
  // "save" and its points; an error for users without the right.
  const auto save = texts_of(got[2], "doctor");
  known.never_saves = save && save->size() == 2 && save->back().empty();
  known.under_sentinel = store_.url_.servers == store_url::topology::sentinel;
  known.now = store_.now();
  auto judged = judge_server(server_info(*info), known);
  std::move(judged.begin(), judged.end(), std::back_inserter(findings_));
  co_return result<void>();
}

task<void> redis_examiner::measure_latency() {
  std::vector<microseconds> times;
  while (times.size() < pings) {
    request ping;
    ping.add("PING");
    const auto begun = std::chrono::steady_clock::now();
    MCPSTATE_CO_CHECK(co_await store_.read(std::move(ping), "doctor"));
    times.push_back(std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - begun));
  }
  add("reachable", level::ok, store_.description() + " answers in " + std::to_string(times.back().count()) + " µs");
  findings_.push_back(judge_latency(std::move(times)));
  co_return result<void>();
}

void redis_examiner::check_access(const std::string& user) {
  const auto& url = store_.url_;
  const bool local = !url.path.empty() || url.host == "localhost" || url.host.starts_with("127.") || url.host == "::1";
  const std::string subject = user.empty() ? "this user" : "user " + user;
  if (url.password.empty() && store_.options().password_file.empty())
    add("auth", local ? level::note : level::warning,
        subject + " needs no password" +
            (local ? " (the server is on this machine)" : ": set one, and an ACL for the prefix"));
  else
    add("auth", level::ok, "signed in as " + subject);
  if (url.tls)
    add("tls", level::ok, store_.options().tls_verify ? "encrypted, and the server's certificate is checked" : "encrypted");
  else if (!local)
    add("tls", level::warning, "the connection is not encrypted: use rediss://");
}

// Tries whether the user may begin and end a transaction: one that begins and cannot end would swallow all that follows.
task<void> redis_examiner::check_transactions() {
  request exec;
  exec.add("EXEC");
  MCPSTATE_CO_TRY(ended, co_await store_.read(std::move(exec), "doctor"));
  std::vector<acl_right> lacked;
  if (lacks_right(ended.front())) {
    lacked.push_back(store_rights()[1]);
  } else {
    request empty;
    empty.add("MULTI").add("EXEC");
    MCPSTATE_CO_TRY(got, co_await store_.read(std::move(empty), "doctor"));
    if (lacks_right(got.front())) lacked.push_back(store_rights()[0]);
  }
  for (const auto& one : lacked) lacks(one);
  transactions_ = lacked.empty();
  co_return result<void>();
}

void redis_examiner::lacks(const acl_right& one) {
  const std::string example = "+" + std::string(one.name) + ": " + std::string(one.purpose);
  if (one.managing)
    count("acl_managing", level::note, "rights that only processes that manage connections need, and this user lacks",
          example);
  else
    count("acl", level::warning, "rights that this user lacks, and what they are for", example);
}

// Queues a command for each right in a transaction that cannot run: a right that is missing is told when its command is
// queued.
task<void> redis_examiner::check_rights() {
  MCPSTATE_CO_CHECK(co_await check_transactions());
  if (!transactions_) co_return result<void>();
  const auto rights = store_rights().subspan(2);
  request trial;
  trial.add("MULTI").add(no_command);
  for (const auto& one : rights) {
    const auto words = trial_words(one, store_.keys_.instances());
    trial.command(words.size());
    for (const auto& word : words) trial.arg(word);
  }
  trial.add("EXEC");
  MCPSTATE_CO_TRY(got, co_await store_.read(std::move(trial), "doctor"));
  if (!got.back().is_error()) co_return error(errc::bug, "doctor: a transaction of trials has run");
  for (std::size_t i = 0; i < rights.size(); ++i) {
    const bool needed = rights[i].name != "select" || store_.url_.database > 0;
    if (needed && lacks_right(got[2 + i])) lacks(rights[i]);
  }
  co_return result<void>();
}

}  // namespace mcpstate
