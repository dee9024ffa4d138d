// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/store.hpp>

// The changes of records, of one owner or of all, and the positions of all who read them. Pure.
//
// The log holds the latest event of each record, by number, and the removals that some reader has not passed. A reader is a
// position and has no queue, so a slow one costs nothing and delays nobody: it gets the latest state of each record that it
// has not seen. A failure is told once per outage, after what was there to be read.
//
// Time is a count: the caller says when a reader joined, when a listing began, and when the store was reached again.
namespace mcpstate {

class change_log {
 public:
  // A position. It belongs to one log, from add() to remove(), and stays where it is.
  class reader {
   public:
    explicit reader(const watch_options& options);

   private:
    friend class change_log;
    // Up to which number removals are known to the reader or are no news to it.
    [[nodiscard]] std::uint64_t seen_removals() const noexcept { return read_ > base_ ? read_ : base_; }
    void require_snapshot(std::uint64_t now);
    std::uint64_t joined_ = 0;  // the snapshot comes from a listing that began after this
    std::uint64_t read_ = 0;    // number of the last event read
    std::uint64_t base_ = 0;    // number of the last event when the snapshot began
    std::uint32_t max_removals_;
    std::uint32_t index_ = 0;  // among the readers of the log
    bool snapshot_after_outage_;
    bool snapshot_owed_ = true, ready_owed_ = false, resync_owed_ = false, overrun_owed_ = false;
    bool failure_told_ = false;
    bool remark_owed_ = false;  // with the resync
  };

  // Takes the records of an owner as they are now, and appends what is different, by member: present for each record that is
  // new or has changed, removed for each that is gone. A record that only expires at another time has not changed, to readers
  // that know it; others get it with the new time. Where the revisions of a record have begun anew, all readers resync.
  void replace(const owner& account, std::vector<connection> listed);
  // Everything is in the log that a reader has to see who joined before this time.
  void complete(std::uint64_t began) noexcept { listed_ = began; }

  // The store cannot be read: an outage begins, unless one lasts already.
  void failed(const error& why);
  // A listing succeeded after it had failed: the outage is over, and nothing was missed.
  void recovered();
  // The link is back at this time, and changes may have been missed. remark: what the store has lost meanwhile
  // (event::remark), a static text. A reader to whom several are owed gets the latest.
  void restored(std::uint64_t now, std::string_view remark = {});
  // The store has lost data at this time, while the link was there.
  void lost_data(std::uint64_t now, std::string_view remark);

  void add(reader& joins, std::uint64_t now);
  void remove(reader& leaves);
  [[nodiscard]] const std::vector<reader*>& readers() const noexcept { return readers_; }
  // The next thing to tell this reader; absent: nothing now.
  [[nodiscard]] std::optional<result<event>> read(reader& position);
  // Whether read() would answer something.
  [[nodiscard]] bool has_news(const reader& position) const noexcept;

  // Latest events of records, and removals that some reader has not passed: what the log holds.
  [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }

 private:
  using record_id = std::pair<owner, std::string>;
  using listing = std::map<std::string, std::optional<connection>>;  // by member; absent: it was there, and is gone
  [[nodiscard]] listing compare(const owner& account, std::vector<connection> listed) const;
  void append(event::kind what, connection record);
  bool note_revision(const record_id& id, const connection& record);
  void require_resync();
  void owe_resync(reader& to, std::uint64_t now, std::string_view remark);
  void mark_overruns();
  void forget_removals();
  [[nodiscard]] std::optional<result<event>> read_failure(reader& position) const;

  std::map<std::uint64_t, event> events_;       // by number
  std::map<record_id, std::uint64_t> latest_;   // number of the record's event in events_
  std::map<record_id, std::uint64_t> highest_;  // the last revision above 0 of each record that is there
  std::vector<std::uint64_t> removals_;         // numbers of the removals in events_, ascending
  std::uint64_t last_ = 0;                      // number of the last event
  std::uint64_t listed_ = 0;                    // when the last complete listing began
  std::optional<error> failure_;                // while an outage lasts
  std::string_view remark_;                     // the latest
  std::vector<reader*> readers_;
};

}  // namespace mcpstate
