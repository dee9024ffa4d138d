// SPDX-License-Identifier: MIT
// The floor: hiredis sending the very commands that the library sends, and doing nothing else. Every argument that stays the
// same is made before the clock runs; in the loop only the fence's revision and the staging key are put in place. It keeps a
// window of operations in flight on one blocking connection: what is appended while replies are read goes out in one write.
// Talks to bench/run over stdin and stdout: see slices.py.
#include <hiredis/hiredis.h>

#include <mcpstate/core/keys.hpp>
#include <mcpstate/core/record.hpp>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "slices.hh"
#include "store/redis/scripts.hh"

namespace mcpstate::bench {
namespace {

struct free_reply {
  void operator()(redisReply* r) const { freeReplyObject(r); }
};
using reply_ptr = std::unique_ptr<redisReply, free_reply>;

std::string_view text_of(const redisReply* r) { return r->str ? std::string_view(r->str, r->len) : std::string_view(); }

// Places in EVALSHA, sha, number of keys, 7 keys, 7 general arguments, 8 of the record.
enum place : std::size_t { staging = 9, revision = 18 };

class contender {
 public:
  contender(int port, workload work) : work_(std::move(work)), link_(redisConnect("127.0.0.1", port)) {
    if (!link_ || link_->err) throw std::runtime_error("cannot connect");
    const auto& put = redis_scripts::script_of(redis_scripts::script_id::put);
    const reply_ptr loaded = ask({"SCRIPT", "LOAD", std::string(put.text)});
    if (text_of(loaded.get()) != put.sha1) throw std::runtime_error("the script does not load");
  }
  ~contender() { redisFree(link_); }
  contender(const contender&) = delete;
  contender& operator=(const contender&) = delete;

  void serve() {
    std::string line;
    while (std::getline(std::cin, line)) {
      const auto what = parse_order(line);
      if (!what) throw std::runtime_error("not an order: " + line);
      if (what->op == "connect") prepare_puts();
      if (what->op == "list") prepare_lists();
      say("ready");
      std::getline(std::cin, line);
      say(what->op == "connect" ? connect(*what) : what->op == "list" ? list(*what) : check(*what));
    }
  }

 private:
  void append(const std::vector<std::string>& command) {
    pointers_.clear();
    sizes_.clear();
    for (const auto& one : command) {
      pointers_.push_back(one.data());
      sizes_.push_back(one.size());
    }
    redisAppendCommandArgv(link_, static_cast<int>(command.size()), pointers_.data(), sizes_.data());
  }

  reply_ptr next_reply() {
    void* got = nullptr;
    if (redisGetReply(link_, &got) != REDIS_OK) throw std::runtime_error(link_->errstr);
    return reply_ptr(static_cast<redisReply*>(got));
  }

  reply_ptr ask(const std::vector<std::string>& command) {
    append(command);
    return next_reply();
  }

  owner owner_at(std::size_t i) const { return owner::user(std::to_string(i + 1)).value(); }

  // What the library would send for this record now, and the values that its fence expects. What follows the three fixed
  // members of :info is what the library wrote there, and connected_at stays, so that the two belong together.
  void prepare_puts() {
    puts_.assign(work_.records(), {});
    for (std::size_t i = 0; i < work_.records(); ++i) append(read_of(i));
    for (std::size_t i = 0; i < work_.records(); ++i) prepare_put(i, next_reply());
  }

  std::vector<std::string> read_of(std::size_t i) const {
    const owner who = owner_at(workload::owner_of(i));
    const std::string& name = server_names[workload::server_of(i)];
    return {"MGET", keys_.server_key(who, name, key_field::info), keys_.server_key(who, name, key_field::connected_at)};
  }

  void prepare_put(std::size_t i, reply_ptr found) {
    if (found->elements != 2 || !found->element[0]->str) throw std::runtime_error("records are missing: fill first");
    const owner who = owner_at(workload::owner_of(i));
    const std::string& name = server_names[workload::server_of(i)];
    const std::string info(text_of(found->element[0]));
    const std::string at(text_of(found->element[1]));
    const std::string tail = info.substr(info.find("\"status\":"));
    auto key = [&](key_field field) { return keys_.server_key(who, name, field); };
    puts_[i] = {"EVALSHA",
                redis_scripts::script_of(redis_scripts::script_id::put).sha1,
                "7",
                keys_.connections(who),
                keys_.servers(who),
                key(key_field::status),
                key(key_field::tools),
                key(key_field::connected_at),
                key(key_field::info),
                keys_.staging(who, name, "0000000000000000"),
                "86400000",
                "0",
                "",
                "",
                "0",
                "16777216",
                "1",
                name,
                std::to_string(decode_info(info).value().revision),
                "+CONNECTED",
                "+" + at,
                "CONNECTED",
                at,
                "replace",
                tail};
  }

  void append_put(std::size_t i) {
    auto& put = puts_[i];
    std::snprintf(nonce_, sizeof nonce_, "%016llx", static_cast<unsigned long long>(++staged_));
    std::memcpy(put[staging].data() + put[staging].size() - 16, nonce_, 16);
    const char* set[] = {"SET", put[staging].data(), work_.tools.data(), "PX", "60000"};
    const std::size_t sizes[] = {3, put[staging].size(), work_.tools.size(), 2, 5};
    redisAppendCommandArgv(link_, 5, set, sizes);
    append(put);
  }

  bool take_put(std::size_t i) {
    const reply_ptr set = next_reply();
    const reply_ptr answer = next_reply();
    if (answer->elements != 3 || text_of(answer->element[0]) != "ok") return false;
    puts_[i][revision] = text_of(answer->element[1]);
    return true;
  }

  void prepare_lists() {
    lists_.clear();
    for (std::size_t i = 0; i < work_.owners; ++i) {
      const owner who = owner_at(i);
      const std::string base = keys_.owner_prefix(who) + "server:*:";
      lists_.push_back({{"SDIFF", keys_.connections(who), keys_.servers(who)},
                        {"SORT_RO", keys_.servers(who), "BY", "nosort", "GET", "#", "GET", base + "status", "GET",
                         base + "connected_at", "GET", base + "info", "GET", base + "tools"}});
    }
  }

  void append_list(std::size_t i) {
    append(lists_[i].first);
    append(lists_[i].second);
  }

  bool take_list() {
    const reply_ptr foreign = next_reply();
    const reply_ptr rows = next_reply();
    return foreign->elements == 0 && rows->elements == 5 * servers_each;
  }

  std::string connect(const order& what) {
    stopwatch watch(what);
    std::vector<std::size_t> window(what.in_flight);
    std::size_t sent = 0, taken = 0;
    for (bool more = true; more || taken < sent;) {
      more = more && watch.running();
      for (; more && sent - taken < what.in_flight; ++sent) {
        window[sent % what.in_flight] = work_.next_record();
        append_put(window[sent % what.in_flight]);
      }
      if (taken < sent) watch.done(take_put(window[taken++ % what.in_flight]));
    }
    return watch.result();
  }

  std::string list(const order& what) {
    stopwatch watch(what);
    std::size_t in_flight = 0;
    for (bool more = true; more || in_flight > 0;) {
      more = more && watch.running();
      for (; more && in_flight < what.in_flight; ++in_flight) append_list(work_.next_owner());
      if (in_flight == 0) continue;
      watch.done(take_list());
      --in_flight;
    }
    return watch.result();
  }

  std::string check(const order& what) {
    prepare_lists();
    stopwatch watch(what);
    for (std::size_t i = 0; i < work_.owners; i += std::max<std::size_t>(1, work_.owners / 20)) {
      append_list(i);
      const reply_ptr foreign = next_reply();
      const reply_ptr rows = next_reply();
      bool right = rows->elements == 5 * servers_each;
      for (std::size_t k = 0; right && k < rows->elements; k += 5)
        right = text_of(rows->element[k + 1]) == "CONNECTED" && text_of(rows->element[k + 4]) == work_.tools;
      watch.done(right);
    }
    return watch.result();
  }

  workload work_;
  redisContext* link_;
  key_space keys_ = key_space::make().value();
  std::vector<std::vector<std::string>> puts_;
  std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> lists_;
  std::uint64_t staged_ = 0;
  char nonce_[17] = {};
  std::vector<const char*> pointers_;
  std::vector<std::size_t> sizes_;
};

}  // namespace
}  // namespace mcpstate::bench

int main(int argc, char** argv) {
  using namespace mcpstate::bench;
  const arguments given(argv + 1, argv + argc);
  try {
    contender(std::stoi(option_of(given, "--port")), workload_of(given)).serve();
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return EXIT_FAILURE;
  }
}
