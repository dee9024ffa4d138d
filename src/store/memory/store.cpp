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

  result<std::optional<row>> find(const owner& account, const std::string& member, tools_wanted) override {
    const auto found_owner = owners_.find(account);
    if (found_owner == owners_.end()) return std::optional<row>();
    const auto found = found_owner->second.find(member);
    return found == found_owner->second.end() ? std::optional<row>() : std::optional<row>(found->second);
  }

  result<std::vector<row>> all(const owner& account, tools_wanted) override {
    std::vector<row> out;
    const auto found_owner = owners_.find(account);
    if (found_owner == owners_.end()) return out;
    for (const auto& [member, r] : found_owner->second) out.push_back(r);
    return out;
  }

  result<bool> write(const owner& account, const row_write& written) override {
    auto& r = owners_[account][written.after.member];
    by_expiry_.erase(expiry_of(account, r));
    auto tools = written.tools == tools_write::keep ? std::move(r.tools) : nullptr;
    if (written.tools == tools_write::replace) tools = written.after.tools;
    r = written.after;
    r.tools = std::move(tools);
    by_expiry_.insert(expiry_of(account, r));
    return true;
  }

  result<tools_sizes> measure_tools(const owner& account, const std::string& member, timestamp now) override {
    tools_sizes out;
    const auto found_owner = owners_.find(account);
    if (found_owner == owners_.end()) return out;
    for (const auto& [name, r] : found_owner->second) {
      if (r.tools && !expired(r, now)) (name == member ? out.row : out.others) += r.tools->size();
    }
    return out;
  }

  result<bool> remove(const owner& account, const std::string& member) override {
    const auto found_owner = owners_.find(account);
    if (found_owner == owners_.end()) return true;
    if (const auto r = found_owner->second.find(member); r != found_owner->second.end()) {
      by_expiry_.erase(expiry_of(account, r->second));
      found_owner->second.erase(r);
    }
    if (found_owner->second.empty()) owners_.erase(found_owner);
    return true;
  }

  result<std::uint64_t> revision_floor() override { return floor_; }
  result<bool> raise_revision_floor(std::uint64_t number) override {
    floor_ = std::max(floor_, number);
    return true;
  }

  lease_table& leases() override { return leases_; }

  std::uint64_t purge(timestamp now, std::size_t limit) {
    std::uint64_t gone = 0;
    while (gone < limit && !by_expiry_.empty() && std::get<0>(*by_expiry_.begin()) <= now) {
      const auto [time, account, member] = *by_expiry_.begin();
      floor_ = std::max(floor_, owners_.at(account).at(member).revision);
      static_cast<void>(remove(account, member));
      ++gone;
    }
    return gone;
  }

  [[nodiscard]] const std::map<owner, rows>& owners() const noexcept { return owners_; }

 private:
  using expiry = std::tuple<timestamp, owner, std::string>;
  static expiry expiry_of(const owner& account, const row& r) { return {r.expires_at, account, r.member}; }
  std::map<owner, rows> owners_;
  std::set<expiry> by_expiry_;
  memory_leases leases_;
  std::uint64_t floor_ = 0;
};

// Every step runs on the executor without suspending, which makes it atomic.
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
    watch_hub::source source;
    source.list = [this](owner account) { return read_records(std::move(account), tools_wanted::no); };
    source.scan = [this](std::string cursor) { return scan(std::move(cursor)); };
    source.now = [this] { return now(); };
    return source;
  }

  [[nodiscard]] row_steps steps() { return row_steps(table_, options(), now()); }
  // The steps of a write. Each write removes a few expired rows.
  [[nodiscard]] row_steps write_steps() {
    table_.purge(now(), purged_per_write);
    return steps();
  }

  task<connection> put(change update, connection after) override {
    if (closed_) co_return closed();
    MCPSTATE_CO_TRY(decided, write_steps().decide(update, after));
    auto written = steps().write(update.owner(), decided);
    hub_.changed(update.owner());
    co_return written;
  }

  task<order_result> order(change update, connection after, lease_request wanted) override {
    if (closed_) co_return closed();
    MCPSTATE_CO_TRY(decided, write_steps().decide(update, after));
    MCPSTATE_CO_TRY(granted, steps().take_ordered(update, wanted));
    MCPSTATE_CO_TRY(written, steps().write(update.owner(), decided));
    hub_.changed(update.owner());
    co_return order_result(std::move(written), std::move(granted));
  }

  task<std::optional<connection>> get(owner account, std::string member, tools_wanted want) override {
    if (closed_) co_return closed();
    co_return steps().get(account, member, want);
  }

  task<owner_snapshot_ptr> list(owner account, tools_wanted want) override {
    if (closed_) co_return closed();
    co_return snapshot(account, want);
  }

  [[nodiscard]] owner_snapshot_ptr peek(const owner& account, tools_wanted want) override {
    if (closed_) return nullptr;
    auto found = snapshot(account, want);
    return found ? std::move(*found) : nullptr;
  }

  [[nodiscard]] result<owner_snapshot_ptr> snapshot(const owner& account, tools_wanted want) {
    MCPSTATE_TRY(records, steps().list(account, want));
    return std::make_shared<const owner_snapshot>(account, std::move(records), want);
  }

  task<std::vector<connection>> read_records(owner account, tools_wanted want) {
    if (closed_) co_return closed();
    co_return steps().list(account, want);
  }

  task<std::uint64_t> touch(owner account, std::optional<std::string> member) override {
    if (closed_) co_return closed();
    co_return write_steps().touch(account, member);
  }

  task<std::uint64_t> disconnect_all(owner account) override {
    if (closed_) co_return closed();
    auto count = write_steps().disconnect_all(account);
    hub_.changed(account);
    co_return count;
  }

  task<std::uint64_t> erase(owner account) override {
    if (closed_) co_return closed();
    auto count = write_steps().erase(account);
    hub_.changed(account);
    co_return count;
  }

  task<claim_result> claim(owner session, owner user) override {
    if (closed_) co_return closed();
    auto claimed = write_steps().claim(session, user);
    hub_.changed(session);
    hub_.changed(user);
    co_return claimed;
  }

  task<std::vector<restore_outcome>> restore(owner account, std::vector<connection> records, restore_rule rule) override {
    if (closed_) co_return closed();
    auto outcomes = write_steps().restore(account, records, rule);
    hub_.changed(account);
    co_return outcomes;
  }

  task<std::unique_ptr<watcher>> watch(std::optional<owner> account, watch_options options) override {
    if (closed_) co_return closed();
    co_return hub_.open(std::move(account), options);
  }

  [[nodiscard]] lease_steps lease_rules() { return lease_steps(table_.leases(), options().ttl, now()); }

  task<std::optional<lease>> take_lease(managed_name name, std::string holder, std::string registered,
                                        std::chrono::milliseconds time) override {
    if (closed_) co_return closed();
    co_return lease_rules().take(name, holder, registered, time);
  }

  task<std::vector<lease>> renew_leases(std::vector<lease> granted, std::chrono::milliseconds time) override {
    if (closed_) co_return closed();
    co_return lease_rules().renew(granted, time);
  }

  task<void> end_lease(lease granted, lease_end outcome, std::optional<std::uint64_t> revision) override {
    if (closed_) co_return closed();
    MCPSTATE_CO_CHECK(steps().end_lease(granted, outcome, revision));
    co_return result<void>();
  }

  using lease_store::end_lease;
  task<std::optional<lease>> lease_of(managed_name name) override {
    if (closed_) co_return closed();
    co_return lease_rules().lease_of(name);
  }

  task<fleet> beat(instance_report report, std::chrono::milliseconds time) override {
    if (closed_) co_return closed();
    co_return lease_rules().beat(report, time);
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

// Absent: the owner has no row that has not expired.
std::optional<owner_summary> summarize(const owner& account, const memory_table::rows& rows, timestamp now) {
  owner_summary out(account);
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
  auto next = table_.owners().begin();
  if (!cursor.empty()) {
    const auto last = owner::parse(cursor);
    if (!last) co_return error(errc::bad_argument, "this cursor is of no page of this store");
    next = table_.owners().upper_bound(*last);
  }
  for (; next != table_.owners().end(); ++next) {
    if (page.owners.size() == owners_per_page) {
      page.cursor = page.owners.back().owner.text();
      break;
    }
    if (auto one = summarize(next->first, next->second, now())) page.owners.push_back(std::move(*one));
  }
  co_return page;
}

row_survey memory_store::survey(const progress_handler& progress) {
  row_survey out(now());
  for (const auto& [account, rows] : table_.owners()) {
    for (const auto& [member, r] : rows) out.add(account, r);
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
