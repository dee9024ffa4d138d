// SPDX-License-Identifier: MIT
// The search for managed connections without a lease, once in a beat. It reads the parts of the index, corrects the entries
// that are wrong where it found them, and reads on past them: wrong entries, however many, keep no connection from being
// found, and one part that cannot be read keeps none of another part.
#include "store/redis/unheld.hh"

#include <algorithm>
#include <utility>

#include "store/redis/lease_value.hh"
#include "store/rows/lease_rule.hh"
#include "store/rows/managed_text.hh"

namespace mcpstate {

using redis::reply;
using redis::request;
using redis_scripts::script_id;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t first_page = unheld_at_once / key_space::index_shards;
constexpr std::size_t next_page = 256;
constexpr std::size_t searched_at_once = 256;
constexpr std::size_t entries_per_beat = 4096;  // bounds the work of one beat
constexpr std::size_t commands_per_entry = 3;
constexpr std::size_t corrected_at_once = 1000;  // by one script: Lua takes no more than some thousand words at a time
constexpr milliseconds claim_pause = std::chrono::seconds(30);
constexpr milliseconds foreign_pause = std::chrono::minutes(1);  // an entry whose lease key no instance can use

bool is_foreign_type(const reply& answer) {
  return answer.is_error() && redis::to_error(answer, "").code() == errc::wrong_type;
}

}  // namespace

unheld_search::unheld_search(redis_store& store) : store_(store) {}

bool unheld_search::has_room() const noexcept { return read_ < entries_per_beat && recorded_.size() < unheld_at_once; }

task<void> unheld_search::run(fleet* out) {
  const std::vector<unsigned> all = store_.parts_to_search();
  for (std::size_t first = 0; first < all.size() && has_room(); first += searched_at_once) {
    const std::size_t last = std::min(all.size(), first + searched_at_once);
    std::vector<unsigned> some(all.begin() + static_cast<std::ptrdiff_t>(first),
                               all.begin() + static_cast<std::ptrdiff_t>(last));
    MCPSTATE_CO_CHECK(co_await run_parts(std::move(some), out));
    store_.search_from_ = last < all.size() ? all[last] : 0;
  }
  offer(out);
  std::vector<script_call> calls = corrections();
  if (calls.empty()) co_return result<void>();
  auto corrected = co_await store_.run_each(std::move(calls), "beat", store_.hint_limit());
  for (const auto& each : corrected)
    if (!each && !store_.on_cluster_) co_return each.error();
  co_return result<void>();
}

task<void> unheld_search::run_parts(std::vector<unsigned> parts, fleet* out) {
  for (const unsigned number : parts) {
    const auto begun = store_.next_ranks_.find(number);
    const std::size_t rank = begun == store_.next_ranks_.end() ? 0 : begun->second;
    parts_[number].passed = parts_[number].offered_before = rank;
  }
  for (bool first = true; has_room(); first = false) {
    const std::size_t limit = first ? first_page : next_page;
    std::vector<unsigned> asked;
    std::vector<script_call> calls;
    for (const unsigned number : parts) {
      if (!parts_[number].more) continue;
      auto& call = calls.emplace_back(script_id::unheld);
      call.key(store_.managed_key(number)).argument(parts_[number].passed).argument(limit);
      asked.push_back(number);
    }
    if (asked.empty()) break;
    auto pages = co_await store_.run_each(std::move(calls), "beat", store_.hint_limit());
    for (std::size_t i = 0; i < asked.size(); ++i) {
      if (!pages[i] && !store_.on_cluster_) co_return pages[i].error();
      if (!pages[i]) {  // counting told it
        parts_[asked[i]].more = false;
        continue;
      }
      const reply& page = *pages[i];
      if (page.is_error() && !is_foreign_type(page)) co_return key_error(page, "beat", store_.managed_key(asked[i]));
      take_page(asked[i], page, limit, out);
    }
    MCPSTATE_CO_CHECK(co_await examine_entries(out));
    start_over();
  }
  co_return result<void>();
}

void unheld_search::take_page(unsigned number, const reply& page, std::size_t limit, fleet* out) {
  part& current = parts_[number];
  current.more = false;
  if (page.is_error()) return out->faults.push_back(key_error(page, "beat", store_.managed_key(number)));
  if (page.items.empty()) return;
  const std::size_t found = page.items.size() - 1;
  if (limit == first_page && !current.wrapped && !store_.on_cluster_)
    out->managed += static_cast<std::uint64_t>(page.items[0].integer);
  for (std::size_t i = 1; i <= found; ++i) entries_.emplace_back(number, page.items[i].text);
  read_ += found;
  current.at_end = found < limit && store_.next_ranks_[number] > 0 && !current.wrapped;
  current.more = found >= limit || current.at_end;
  current.passed += found;
}

// Those in front were passed over because they had been offered before. They come again when the end is reached.
void unheld_search::start_over() {
  for (auto& [number, each] : parts_) {
    if (!std::exchange(each.at_end, false)) continue;
    each.passed = each.offered_before = 0;
    each.wrapped = true;
  }
}

// A claim that nobody has ended is ended in the background, and looked at again a while later.
bool unheld_search::take_claim(entry& one) {
  const auto begun = claim_from_text(one.member);
  if (!begun || claim_text(begun->session, begun->user) != one.member) return false;
  one.claim = true;
  leased_.emplace_back(one.part, one.member, claim_pause);
  store_.end_claim_soon(begun->session, begun->user);
  return true;
}

// Asks for the lease and the record of each entry.
task<void> unheld_search::examine_entries(fleet* out) {
  std::vector<entry> examined = std::exchange(entries_, {});
  redis_store::batch requests;
  for (auto& one : examined) {
    if (store_.on_cluster_ && take_claim(one)) continue;
    one.name = managed_from_text(one.member);
    if (one.name && to_text(*one.name) != one.member) one.name.reset();
    if (!one.name) continue;
    const auto key = store_.lease_key(*one.name);
    request& commands = store_.add_to(requests, one.name->owner);
    if (commands.commands() == 0) commands.limit_values({redis_store::max_lease_value});
    commands.add("GET", key).add("PTTL", key);
    commands.add("EXISTS", store_.keys_.server_key(one.name->owner, encode_name(one.name->server.text()), key_field::info));
  }
  MCPSTATE_CO_TRY(got, co_await store_.read_all_of(std::move(requests), "beat"));
  const reply* next = got.data();
  for (auto& one : examined) {
    if (one.claim) continue;
    if (!one.name) {
      remove(one);
      continue;
    }
    if (next[0].is_error() && !is_foreign_type(next[0])) co_return redis::to_error(next[0], "beat");
    sort_entry(std::move(one), next, out);
    next += commands_per_entry;
  }
  co_return result<void>();
}

// answers: the value of the lease key, its time to live, whether the record has an :info.
void unheld_search::sort_entry(entry one, const reply* answers, fleet* out) {
  const unsigned right = store_.part_of(*one.name);
  const bool is_placed = right == one.part;
  if (answers[0].is_error()) {
    out->faults.push_back(key_error(answers[0], "beat", store_.lease_key(*one.name)));
    if (!is_placed) remove(one);
    leased_.emplace_back(right, std::move(one.member), foreign_pause);
    return;
  }
  const bool leased = answers[0].is_string() && read_lease_value(*one.name, answers[0].text);
  const std::int64_t left = answers[1].integer;
  if (leased && left > 0) {
    if (!is_placed) remove(one);
    leased_.emplace_back(right, std::move(one.member), milliseconds(left));
    return;
  }
  // A lease without an end is offered: who tries to take it gives it one.
  const bool wanted = leased || answers[2].integer > 0;
  if (is_placed) {
    part& its = parts_[one.part];
    one.rank = its.offered_before++;
    one.wrapped = its.wrapped;
  } else {
    remove(one);
    if (!wanted) return;
    waiting_[right].push_back(one.member);
  }
  if (found_.insert(one.member).second) (wanted ? recorded_ : bare_).push_back(std::move(one));
}

// Entries without a record come last. Those that find no room are removed: there is nothing to manage. The next search begins
// with the first entry of each part that was not offered.
void unheld_search::offer(fleet* out) {
  std::map<unsigned, const entry*> left;
  for (const auto& [number, each] : parts_) store_.next_ranks_[number] = each.more ? each.offered_before : 0;
  for (auto& one : recorded_) {
    if (out->unheld.size() < unheld_at_once) {
      out->unheld.push_back(std::move(*one.name));
    } else if (one.rank && left[one.part] == nullptr) {
      left[one.part] = &one;
      store_.next_ranks_[one.part] = *one.rank;
    }
  }
  for (auto& one : bare_) {
    if (out->unheld.size() < unheld_at_once) {
      out->unheld.push_back(std::move(*one.name));
      continue;
    }
    remove(one);
    const entry* const first = left[one.part];
    const bool in_front = first != nullptr && one.rank && one.wrapped == first->wrapped && *one.rank < *first->rank;
    if (in_front) --store_.next_ranks_[one.part];
  }
}

std::vector<script_call> unheld_search::corrections() {
  std::vector<script_call> calls;
  const auto add = [&](unsigned number, std::string_view state, milliseconds left, std::vector<std::string>& members) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i % corrected_at_once == 0) calls.push_back(store_.index_call(number, state, left));
      calls.back().argument(std::move(members[i]));
    }
  };
  for (auto& [number, members] : waiting_) add(number, "waits", milliseconds(0), members);
  for (auto& each : leased_) {
    std::vector<std::string> one{std::move(each.member)};
    add(each.part, "held", each.left, one);
  }
  for (auto& [number, members] : wrong_) add(number, "over", milliseconds(0), members);
  return calls;
}

}  // namespace mcpstate
