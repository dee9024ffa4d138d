// SPDX-License-Identifier: MIT
// The part of doctor that checks the connection, the server and the rights of the user.
#include <algorithm>
#include <chrono>
#include <utility>

#include "core/text/number.hh"
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

// Of EXEC the server says so behind EXECABORT.
bool lacks_right(const reply& refusal) { return refusal.is_error() && refusal.text.find("NOPERM") != std::string::npos; }

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
  request whoami;
  whoami.add("ACL", "WHOAMI");
  MCPSTATE_CO_TRY(got, co_await store_.read(std::move(whoami), "doctor"));
  const auto user = text_of(got.front(), "doctor");
  check_access(user ? std::string(*user) : std::string());
  MCPSTATE_CO_CHECK(co_await check_rights());
  const auto& hello = store_.redis_->hello();
  add("version", level::ok, hello.server + " " + hello.version + " (" + hello.mode + ")");
  co_return co_await examine_servers();
}

// Asks the server, or each primary of a cluster. Of each check the worst is reported, with the servers that it is about.
task<void> redis_examiner::examine_servers() {
  request about;
  about.add("INFO").add("CONFIG", "GET", "save").add("TIME");
  if (store_.on_cluster_) about.add("CLUSTER", "INFO");
  std::vector<std::string> names;
  for (const redis::primary& each : store_.redis_->primaries()) names.push_back(each.address);
  auto requests = store_.to_each_server(about);
  if (names.size() != requests.size()) names.assign(requests.size(), std::string());
  const timestamp begun = store_.options().clock->now();
  auto got = co_await store_.read_each(std::move(requests), "doctor", store_.until());
  const timestamp middle = begun + (store_.options().clock->now() - begun) / 2;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i]) {
      judge_answers(*got[i], middle, names[i]);
    } else if (store_.on_cluster_) {
      finding out;
      out.check = "node";
      out.severity = level::problem;
      out.text = "servers of the cluster that do not answer: their owners cannot be reached";
      add_worst(std::move(out), names[i]);
    } else {
      co_return got[i].error();
    }
  }
  co_return result<void>();
}

void redis_examiner::judge_answers(const std::vector<reply>& answers, timestamp middle, const std::string& server) {
  server_circumstances known;
  if (const auto time = texts_of(answers[2], "doctor"); time && time->size() == 2) {
    const auto seconds = parse_number<std::int64_t>((*time)[0]), parts = parse_number<std::int64_t>((*time)[1]);
    known.now = timestamp(std::chrono::seconds(seconds.value_or(0)) + microseconds(parts.value_or(0)));
    add_worst(judge_clock(std::chrono::duration_cast<microseconds>(known.now - middle)), server);
  }
  if (answers.size() > 3)
    if (const auto state = text_of(answers[3], "doctor")) add_worst(judge_cluster(server_info(*state)), server);
  const auto info = text_of(answers[0], "doctor");
  if (!info) {
    finding out;
    out.check = "info";
    out.severity = level::note;
    out.text = "this user may not run INFO: persistence, memory, eviction and replicas were not checked";
    return add_worst(std::move(out), server);
  }
  // "save" and its points; an error for users without the right.
  const auto save = texts_of(answers[1], "doctor");
  known.never_saves = save && save->size() == 2 && save->back().empty();
  known.under_sentinel = store_.url_.servers == store_url::topology::sentinel;
  for (auto& one : judge_server(server_info(*info), known)) add_worst(std::move(one), server);
}

void redis_examiner::add_worst(finding one, const std::string& server) {
  if (!server.empty()) one.examples.insert(one.examples.begin(), server);
  const auto same = [&](const finding& f) { return f.check == one.check; };
  const auto found = std::find_if(findings_.begin(), findings_.end(), same);
  if (found == findings_.end()) return findings_.push_back(std::move(one));
  if (found->severity < one.severity) {
    *found = std::move(one);
  } else if (found->severity == one.severity && found->examples.size() < 5) {
    found->examples.insert(found->examples.end(), one.examples.begin(), one.examples.end());
  }
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
    lacked.push_back(transaction_rights().back());
  } else {
    request empty;
    empty.add("MULTI").add("EXEC");
    MCPSTATE_CO_TRY(got, co_await store_.read(std::move(empty), "doctor"));
    if (lacks_right(got.front())) lacked.push_back(transaction_rights().front());
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
  const auto servers = store_.on_cluster_ ? store_url::topology::cluster : store_.url_.servers;
  const auto rights = store_rights(servers, store_.options().durable.has_value());
  request trial;
  trial.add("MULTI").add(no_command);
  for (const auto& one : rights) {
    const auto words = trial_words(one, store_.keys_.instances());
    trial.command(words.size());
    for (const auto& word : words) trial.arg(word);
  }
  trial.add("EXEC");
  MCPSTATE_CO_TRY(got, co_await store_.read(store_.route_of_key(store_.keys_.instances()), std::move(trial), "doctor"));
  if (!got.back().is_error()) co_return error(errc::bug, "doctor: a transaction of trials has run");
  for (std::size_t i = 0; i < rights.size(); ++i) {
    const bool needed = rights[i].name != "select" || store_.url_.database > 0;
    if (needed && lacks_right(got[2 + i])) lacks(rights[i]);
  }
  co_return result<void>();
}

}  // namespace mcpstate
