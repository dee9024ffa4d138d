// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/core/encoded_name.hpp>

#include "archive/archived_record.hh"
#include "archive/manifest.hh"
#include "archive/section.hh"

// Backups made by hand, for tests of their reader.
namespace mcpstate::test {

inline constexpr timestamp archive_time{std::chrono::microseconds(1'790'000'000'000'000)};

inline connection archived_sample(const std::string& who, const std::string& name, status state, std::uint64_t revision) {
  connection out(owner::parse(who).value(), name);
  out.member = encode_name(name);
  out.state = state;
  out.revision = revision;
  out.expires_at = archive_time + std::chrono::hours(5);
  if (out.connected()) out.connected_at = archive_time - std::chrono::seconds(3);
  out.info.url = "https://example.org/" + name;
  out.info.capabilities = R"({"tools":{}})";
  if (state != status::disconnected)
    out.tools = std::make_shared<const std::string>(R"( [ {"name":")" + name + R"(","description":"é"} ] )");
  return out;
}

inline std::vector<connection> archived_samples(int owners, int servers) {
  std::vector<connection> out;
  for (int o = 0; o < owners; ++o)
    for (int s = 0; s < servers; ++s)
      out.push_back(archived_sample("user:" + std::to_string(o), "server " + std::to_string(s),
                                    s % 3 == 0   ? status::connected
                                    : s % 3 == 1 ? status::auth_required
                                                 : status::disconnected,
                                    1'790'000'000'000'000u + static_cast<unsigned>(s)));
  return out;
}

// per_section: records in a section. strange: the type of a section that this version does not know; empty: none.
inline std::string backup_of(const std::vector<connection>& records, std::size_t per_section,
                             const std::string& strange = {}) {
  archive::section_writer sections;
  archive::head first;
  first.version = "0.1.0";
  first.created_at = archive_time;
  first.store = "memory";
  std::string out = archive::section_writer::preamble() + sections.next(archive::head_section, encode_head(first));
  archive::totals all;
  std::string body;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (i == 0 || records[i].owner != records[i - 1].owner) ++all.owners;
    ++all.records;
    archive::append_record(body, records[i], archive_time);
    if ((i + 1) % per_section != 0 && i + 1 != records.size()) continue;
    out += sections.next(archive::records_section, body);
    body.clear();
    if (!strange.empty()) out += sections.next(strange, "from the future");
  }
  return out + sections.next(archive::end_section, encode_totals(all));
}

}  // namespace mcpstate::test
