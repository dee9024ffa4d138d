// SPDX-License-Identifier: MIT
#include "archive/backup_reader.hh"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

#include "archive/numbers.hh"
#include "unit/archive/sample_backup.hh"

namespace mcpstate::test {

namespace {

using namespace archive;

struct read_backup {
  std::vector<connection> records;
  std::vector<unusable_record> unusable;
  std::string fault;  // empty: it was whole
};

// step: how many bytes are fed at a time.
read_backup read_in_steps(backup_reader& reader, std::string_view bytes, std::size_t step) {
  read_backup out;
  while (out.fault.empty() && !bytes.empty()) {
    reader.feed(bytes.substr(0, step));
    bytes.remove_prefix(std::min(step, bytes.size()));
    for (;;) {
      auto some = reader.next();
      if (!some) out.fault = some.error().detail();
      if (!some || !*some) break;
      for (auto& one : (*some)->records) out.records.push_back(std::move(one.record));
      for (auto& one : (*some)->unusable) out.unusable.push_back(std::move(one));
    }
  }
  const auto whole = reader.finish();
  if (!whole && out.fault.empty()) out.fault = whole.error().detail();
  if (!whole) {
    EXPECT_EQ(whole.error().code(), errc::bad_backup);
  }
  return out;
}

read_backup read_whole(std::string_view bytes) {
  backup_reader reader;
  return read_in_steps(reader, bytes, 1000);
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST(BackupReader, ReadsAllRecordsInWhateverPiecesTheyCome) {
  const auto samples = archived_samples(20, 7);
  const auto bytes = backup_of(samples, 9);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, bytes.size()}) {
    backup_reader reader;
    const auto got = read_in_steps(reader, bytes, step);
    EXPECT_EQ(got.fault, "");
    ASSERT_EQ(got.records.size(), samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i) {
      EXPECT_EQ(got.records[i].member, samples[i].member);
      EXPECT_EQ(got.records[i].tools != nullptr, samples[i].tools != nullptr);
    }
    totals said;
    said.owners = 20;
    said.records = 140;
    EXPECT_EQ(reader.last(), said);
    EXPECT_EQ(reader.counted(), said);
    EXPECT_EQ(reader.first()->store, "memory");
    EXPECT_EQ(reader.first()->created_at, archive_time);
    EXPECT_EQ(reader.position(), bytes.size());
  }
}

TEST(BackupReader, NoticesACutAtEveryByte) {
  const auto bytes = backup_of(archived_samples(3, 3), 2);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto got = read_whole(std::string_view(bytes).substr(0, size));
    ASSERT_NE(got.fault, "") << size;
    if (size >= preamble_bytes) {
      ASSERT_TRUE(contains(got.fault, "cut off at byte " + std::to_string(size))) << got.fault;
    }
  }
}

TEST(BackupReader, NoticesACutAtEvery997thByteOfALargeOne) {
  const auto bytes = backup_of(archived_samples(40, 20), 50);
  ASSERT_GT(bytes.size(), 10'000u);
  for (std::size_t size = 0; size < bytes.size(); size += 997)
    ASSERT_NE(read_whole(std::string_view(bytes).substr(0, size)).fault, "") << size;
}

TEST(BackupReader, NoticesEveryByteThatIsChanged) {
  const auto bytes = backup_of(archived_samples(2, 3), 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const unsigned flip : {0x01u, 0x80u, 0xffu}) {
      auto changed = bytes;
      changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ flip);
      ASSERT_NE(read_whole(changed).fault, "") << i;
    }
  }
}

TEST(BackupReader, SaysWhereTheDamageIs) {
  auto bytes = backup_of(archived_samples(2, 3), 2);
  section_reader sections;
  sections.feed(bytes);
  static_cast<void>(sections.next());  // the head
  static_cast<void>(sections.next());
  const auto third = sections.position();
  bytes[third + section_head_bytes + 5] ^= 1;
  EXPECT_EQ(read_whole(bytes).fault,
            "damaged at byte " + std::to_string(third) + ", in section 2: the checksum of the section does not fit");
}

TEST(BackupReader, NoticesSectionsThatAreMissingOrMoved) {
  const auto bytes = backup_of(archived_samples(2, 3), 2);
  std::vector<std::string> sections;
  section_reader reader;
  reader.feed(bytes);
  std::uint64_t from = preamble_bytes;
  for (auto one = reader.next(); one && *one; one = reader.next()) {
    sections.push_back(bytes.substr(from, reader.position() - from));
    from = reader.position();
  }
  ASSERT_EQ(sections.size(), 5u);
  auto joined = [&](std::vector<std::size_t> order) {
    std::string out = bytes.substr(0, preamble_bytes);
    for (const auto i : order) out += sections[i];
    return read_whole(out).fault;
  };
  EXPECT_EQ(joined({0, 1, 2, 3, 4}), "");
  EXPECT_TRUE(contains(joined({0, 1, 3, 4}), "a section is missing before it"));
  EXPECT_TRUE(contains(joined({0, 2, 1, 3, 4}), "a section is missing before it"));
  EXPECT_TRUE(contains(joined({0, 1, 2, 3}), "its end is missing"));
  EXPECT_TRUE(contains(joined({0, 1, 2, 3, 4, 4}), "more bytes follow its end"));
}

TEST(BackupReader, CountsWhatItsEndSays) {
  section_writer sections;
  head first;
  first.created_at = archive_time;
  std::string bytes = section_writer::preamble() + sections.next(head_section, encode_head(first));
  totals said;
  said.records = 2;
  bytes += sections.next(end_section, encode_totals(said));
  EXPECT_TRUE(contains(read_whole(bytes).fault, "it should have 2 records, and has 0"));
}

TEST(BackupReader, PassesOverSectionsThatItDoesNotKnow) {
  backup_reader reader;
  const auto got = read_in_steps(reader, backup_of(archived_samples(2, 3), 2, "CRED"), 100);
  EXPECT_EQ(got.fault, "");
  EXPECT_EQ(got.records.size(), 6u);
  EXPECT_EQ(reader.unknown(), (std::map<std::string, std::uint64_t>{{"CRED", 3}}));
}

TEST(BackupReader, RefusesANewerFormat) {
  const auto bytes = backup_of(archived_samples(1, 1), 1);
  std::string newer = bytes.substr(0, 8);
  append_number(newer, std::uint32_t{2});
  append_number(newer, static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(newer.data()), newer.size())));
  EXPECT_EQ(read_whole(newer + bytes.substr(preamble_bytes)).fault,
            "written by a newer mcpstate (format 2, this one reads 1); update mcpstate");
}

TEST(BackupReader, RefusesTheBackupOfAnotherProduct) {
  section_writer sections;
  const std::string bytes =
      section_writer::preamble() + sections.next(head_section, R"({"product":"other","created_at":"2026-11-30T00:00:00Z"})");
  EXPECT_TRUE(contains(read_whole(bytes).fault, "this is a backup of 'other', not of mcpstate"));
}

TEST(BackupReader, SaysWhatAnotherFileIs) {
  EXPECT_EQ(read_whole("REDIS0011\xfa\tredis-ver").fault,
            "this is no backup of mcpstate; it begins like a dump of Redis (RDB)");
  EXPECT_EQ(read_whole("hello").fault, "this is no backup of mcpstate");
  EXPECT_EQ(read_whole("").fault, "it is empty");
}

TEST(BackupReader, RefusesASectionLargerThanAnyMayBe) {
  std::string bytes = section_writer::preamble();
  section_writer sections;
  std::string section = sections.next("HUGE", std::string(max_body_bytes + 1, 'x'));
  EXPECT_TRUE(contains(read_whole(bytes + section).fault, "the section is larger than any may be"));
}

}  // namespace mcpstate::test
