// SPDX-License-Identifier: MIT
#include "archive/backup_reader.hh"

#include <utility>

namespace mcpstate::archive {

namespace {

error at(const section& one, std::string_view what) {
  return error(errc::bad_backup, "damaged at byte " + std::to_string(one.offset) + ", in section " +
                                     std::to_string(one.number) + " (" + type_text(one.type) + "): " + std::string(what));
}

}  // namespace

result<std::optional<archived_records>> backup_reader::next() {
  if (failure_) return *failure_;
  for (;;) {
    auto one = sections_.next();
    if (!one) return *(failure_ = one.error());
    if (!*one) return std::optional<archived_records>();
    auto some = take(**one);
    if (!some) return *(failure_ = some.error());
    if (*some) return some;
  }
}

// Absent: it was another section.
result<std::optional<archived_records>> backup_reader::take(const section& one) {
  if (!head_) {
    if (one.type != head_section) return at(one, "the head of a backup belongs here");
    auto read = decode_head(one.body);
    if (!read) return read.error();
    head_ = std::move(*read);
  } else if (one.type == end_section) {
    MCPSTATE_CHECK(take_end(one));
  } else if (one.type == records_section) {
    auto some = read_records(one.body);
    if (!some) return at(one, some.error().detail());
    count(*some);
    return std::optional<archived_records>(std::move(*some));
  } else if (one.type == head_section) {
    return at(one, "a backup has one head");
  } else {
    ++unknown_[one.type];
  }
  return std::optional<archived_records>();
}

// Records of an owner follow each other.
void backup_reader::count(const archived_records& some) {
  counted_.records += some.records.size() + some.unusable.size();
  for (const auto& one : some.records) {
    if (last_owner_ == one.record.owner) continue;
    last_owner_ = one.record.owner;
    ++counted_.owners;
  }
}

result<bool> backup_reader::take_end(const section& one) {
  auto said = decode_totals(one.body);
  if (!said) return at(one, said.error().detail());
  if (said->records != counted_.records)
    return at(one,
              "it should have " + std::to_string(said->records) + " records, and has " + std::to_string(counted_.records));
  totals_ = std::move(*said);
  return true;
}

result<void> backup_reader::finish() const {
  if (failure_) return *failure_;
  return sections_.finish();
}

}  // namespace mcpstate::archive
