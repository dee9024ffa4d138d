// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

#include <mcpstate/open_store.hpp>

#include "store/memory/leases.hh"
#include "store/rows/steps.hh"
#include "store/rows/survey.hh"
#include "store/watch/hub.hh"

namespace mcpstate {

namespace {

constexpr std::size_t owners_per_page = 256;
constexpr std::size_t purged_per_write = 16;

class memory_table final : public row_table {
 public:
  using rows = std::map<std::string, row>;

  result<std::optional<row>> find(const owner& who, const std::string& member, tools_wanted) override {
    const auto mine = owners_.find(who);
    if (mine == owners_.end()) return std::optional<row>();
    const auto found = mine->second.find(member);
    return found == mine->second.end() ? std::optional<row>() : std::optional<row>(found->second);
  }

  result<std::vector<row>> all(const owner& who, tools_wanted) override {
    std::vector<row> out;
    const auto mine = owners_.find(who);
    if (mine == owners_.end()) return out;
    for (const auto& [member, r] : mine->second) out.push_back(r);
    return out;
  }

  result<bool> write(const owner& who, const row_write& what) override {
    auto& r = owners_[who][what.after.member];
    by_expiry_.erase(place(who, r));
    auto tools = what.tools == tools_write::keep ? std::move(r.tools) : nullptr;
    if (what.tools == tools_write::replace) tools = what.after.tools;
    r = what.after;
    r.tools = std::move(tools);
    by_expiry_.insert(place(who, r));
    return true;
  }

  result<bool> remove(const owner& who, const std::string& member) override {
    const auto mine = owners_.find(who);
    if (mine == owners_.end()) return true;
    if (const auto r = mine->second.find(member); r != mine->second.end()) {
      by_expiry_.erase(place(who, r->second));
      mine->second.erase(r);
    }
    if (mine->second.empty()) owners_.erase(mine);
    return true;
  }

  result<std::uint64_t> revision_floor() override { return floor_; }
  result<bool> raise_revision_floor(std::uint64_t to) override {
    floor_ = std::max(floor_, to);
    return true;
  }

  lease_table& leases() override { return leases_; }

  std::uint64_t purge(timestamp now, std::size_t limit) {
    std::uint64_t gone = 0;
    while (gone < limit && !by_expiry_.empty() && std::get<0>(*by_expiry_.begin()) <= now) {
      const auto [when, who, member] = *by_expiry_.begin();
      floor_ = std::max(floor_, owners_.at(who).at(member).revision);
      static_cast<void>(remove(who, member));
      ++gone;
    }
    return gone;
  }

  [[nodiscard]] const std::map<owner, rows>& owners() const noexcept { return owners_; }

 private:
  using expiry = std::tuple<timestamp, owner, std::string>;
  static expiry place(const owner& who, const row& r) { return {r.expires_at, who, r.member}; }
  std::map<owner, rows> owners_;
  std::set<expiry> by_expiry_;
  memory_leases leases_;
  std::uint64_t floor_ = 0;
};

// Everything happens on the executor, at once: a step is atomic because nothing else runs while it does.
class memory_store final : public store_backend, public lease_store {
 public:
  memory_store(asio::any_io_executor executor, store_options options)
      : store_backend(executor, std::move(options)), hub_(executor, hub_source()) {}

  asio::awaitable<void> close() override {
    closed_ = true;
    co_await hub_.close();
  }
  [[nodiscard]] std::string description() const override { return "memory"; }
  [[nodiscard]] lease_store& leases() noexcept override { return *this; }

 private:
  watch_hub::source hub_source() {
    watch_hub::source s;
    s.list = [this](owner who) { return read_records(std::move(who), tools_wanted::no); };
    s.scan = [this](std::string cursor) { return scan(std::move(cursor)); };
    s.now = [this] { return now(); };
    return s;
  }

  [[nodiscard]] row_steps steps() { return row_steps(table_, options(), now()); }
  // Before a write: what has expired makes room, a few at a time.
  [[nodiscard]] row_steps writing() {
    table_.purge(now(), purged_per_write);
    return steps();
  }

  task<connection> put(change what, connection after) override {
    if (closed_) co_return closed();
    auto decided = writing().decide(what, after);
    if (!decided) co_return decided.error();
    auto written = steps().write(what.whose(), *decided);
    hub_.changed(what.whose());
    co_return written;
  }

  task<std::optional<connection>> get(owner who, std::string member, tools_wanted want) override {
    if (closed_) co_return closed();
    co_return steps().get(who, member, want);
  }

  task<owner_snapshot_ptr> list(owner who, tools_wanted want) override {
    if (closed_) co_return closed();
    co_return snapshot(who, want);
  }

  [[nodiscard]] owner_snapshot_ptr peek(const owner& who, tools_wanted want) override {
    if (closed_) return nullptr;
    auto found = snapshot(who, want);
    return found ? std::move(*found) : nullptr;
  }

  [[nodiscard]] result<owner_snapshot_ptr> snapshot(const owner& who, tools_wanted want) {
    auto records = steps().list(who, want);
    if (!records) return records.error();
    return std::make_shared<const owner_snapshot>(who, std::move(*records), want);
  }

  task<std::vector<connection>> read_records(owner who, tools_wanted want) {
    if (closed_) co_return closed();
    co_return steps().list(who, want);
  }

  task<std::uint64_t> touch(owner who, std::optional<std::string> member) override {
    if (closed_) co_return closed();
    co_return writing().touch(who, member);
  }

  task<std::uint64_t> disconnect_all(owner who) override {
    if (closed_) co_return closed();
    auto count = writing().disconnect_all(who);
    hub_.changed(who);
    co_return count;
  }

  task<std::uint64_t> erase(owner who) override {
    if (closed_) co_return closed();
    auto count = writing().erase(who);
    hub_.changed(who);
    co_return count;
  }

  task<claim_result> claim(owner session, owner user) override {
    if (closed_) co_return closed();
    auto claimed = writing().claim(session, user);
    hub_.changed(session);
    hub_.changed(user);
    co_return claimed;
  }

  task<std::unique_ptr<watcher>> watch(std::optional<owner> who, watch_options options) override {
    if (closed_) co_return closed();
    co_return hub_.open(std::move(who), options);
  }

  [[nodiscard]] lease_steps lease_rules() { return lease_steps(table_.leases(), options().ttl, now()); }

  task<std::optional<lease>> take_lease(managed_name what, std::string holder, std::string registered,
                                        std::chrono::milliseconds time) override {
    if (closed_) co_return closed();
    co_return lease_rules().take(what, holder, registered, time);
  }

  task<std::vector<lease>> renew_leases(std::vector<lease> held, std::chrono::milliseconds time) override {
    if (closed_) co_return closed();
    co_return lease_rules().renew(held, time);
  }

  task<void> end_lease(lease which, lease_end how, std::optional<std::uint64_t> seen) override {
    if (closed_) co_return closed();
    MCPSTATE_CO_CHECK(steps().end_lease(which, how, seen));
    co_return result<void>();
  }

  using lease_store::end_lease;
  task<std::optional<lease>> lease_of(managed_name what) override {
    if (closed_) co_return closed();
    co_return lease_rules().lease_of(what);
  }

  task<fleet> beat(instance_report me, std::chrono::milliseconds time) override {
    if (closed_) co_return closed();
    co_return lease_rules().beat(me, time);
  }

  task<managed_page> managed_of(std::string registered, std::string cursor) override {
    if (closed_) co_return closed();
    co_return lease_rules().managed_of(registered, cursor);
  }

  task<owner_page> scan(std::string cursor) override;
  task<store_stats> stats(progress_handler progress) override;
  task<std::vector<finding>> examine(bool fix, progress_handler progress) override;
  [[nodiscard]] row_survey survey(const progress_handler& progress);

  memory_table table_;
  bool closed_ = false;
  watch_hub hub_;
};

// Absent: nothing of it is there any more.
std::optional<owner_summary> summarize(const owner& who, const memory_table::rows& rows, timestamp now) {
  owner_summary out(who);
  for (const auto& [member, r] : rows) {
    if (expired(r, now)) continue;
    ++out.records;
    if (r.status == to_text(status::connected)) ++out.connected;
    out.expires_at = std::max(out.expires_at.value_or(r.expires_at), r.expires_at);
  }
  if (out.records == 0) return std::nullopt;
  return out;
}

task<owner_page> memory_store::scan(std::string cursor) {
  if (closed_) co_return closed();
  owner_page page;
  auto at = table_.owners().begin();
  if (!cursor.empty()) {
    const auto last = owner::parse(cursor);
    if (!last) co_return error(errc::bad_argument, "this cursor is of no page of this store");
    at = table_.owners().upper_bound(*last);
  }
  for (; at != table_.owners().end(); ++at) {
    if (page.owners.size() == owners_per_page) {
      page.cursor = page.owners.back().whose.text();
      break;
    }
    if (auto one = summarize(at->first, at->second, now())) page.owners.push_back(std::move(*one));
  }
  co_return page;
}

row_survey memory_store::survey(const progress_handler& progress) {
  row_survey out(now());
  for (const auto& [who, rows] : table_.owners()) {
    for (const auto& [member, r] : rows) out.add(who, r);
  }
  if (progress) progress(out.rows(), "records");
  return out;
}

task<store_stats> memory_store::stats(progress_handler progress) {
  if (closed_) co_return closed();
  store_stats out = survey(progress).counts();
  out.kind = "memory";
  out.where = "this process";
  out.version = "1";
  co_return out;
}

task<std::vector<finding>> memory_store::examine(bool fix, progress_handler progress) {
  if (closed_) co_return closed();
  if (fix) table_.purge(now(), static_cast<std::size_t>(-1));
  co_return survey(progress).findings();
}

}  // namespace

std::unique_ptr<store_backend> make_memory_backend(asio::any_io_executor executor, store_options options) {
  if (auto fine = check_options(options); !fine) throw std::invalid_argument(fine.error().detail());
  return std::make_unique<memory_store>(std::move(executor), std::move(options));
}

}  // namespace mcpstate
