// SPDX-License-Identifier: MIT
#include "store/rows/survey.hh"

#include <array>
#include <utility>

#include <mcpstate/core/keys.hpp>

namespace mcpstate {

namespace {

struct invariant {
  const char* check;
  const char* holds;
  const char* broken;
};

// The invariants (ARCHITECTURE.md) that a store of rows can break at all. The others hold by how a table works.
constexpr std::array<invariant, 6> invariants{{
    {"every_record_expires", "every record expires, and none after its last moment",
     "records live longer than their last moment; disconnect or erase them"},
    {"status_and_time_agree", "connected_at stands exactly where the status is CONNECTED",
     "records whose status and connected_at do not belong together; write or disconnect them"},
    {"names_encoded", "every name is written so that it reaches no other record",
     "records under names that mcpstate does not write; erase their owners if nothing uses them"},
    {"records_readable", "every record can be read without a remark",
     "records that cannot be read as they were written; write or disconnect them"},
    {"tools_intact", "every tool list is the one its record was written with",
     "records whose tools are not what their hash says; refresh them from their servers"},
    {"revisions", "every record has a revision", "records without a revision; write or disconnect them"},
}};

}  // namespace

void row_survey::add(const owner& account, const row& r) {
  if (expired(r, now_)) {
    ++expired_;
    return;
  }
  ++live_;
  count(account, r);
  check(account, r);
}

void row_survey::count(const owner& account, const row& r) {
  if (last_ != account) {
    last_ = account;
    ++(account.kind() == owner_kind::user ? counts_.users : counts_.sessions);
  }
  if (r.status == to_text(status::connected)) ++counts_.connected;
  if (r.status == to_text(status::disconnected)) ++counts_.disconnected;
  if (r.status == to_text(status::failed)) ++counts_.failed;
  if (r.tools) counts_.tools_bytes += r.tools->size();
}

void row_survey::check(const owner& account, const row& r) {
  const auto shown = account.text() + " " + name_of_member(r.member).text;
  if (r.expires_latest && r.expires_at > *r.expires_latest) note("every_record_expires", shown);
  if ((r.status == to_text(status::connected)) != r.connected_at.has_value()) note("status_and_time_agree", shown);
  const auto name = decode_name(r.member);
  if (!name || !server_name::parse(*name)) note("names_encoded", shown);
  if (r.revision == 0) note("revisions", shown);
  const auto c = read_row(account, r, tools_wanted::no);
  if (!c || !c->problems.empty() || c->expires_at != r.expires_at) {
    note("records_readable", shown);
  } else {
    check_tools(shown, r, *c);
  }
}

void row_survey::check_tools(const std::string& shown, const row& r, const connection& c) {
  if (!r.tools) {
    if (c.info.tool_count || !c.info.tools_hash.empty()) note("tools_intact", shown);
    return;
  }
  const auto list = tools_list::parse(*r.tools);
  if (!list || list->hash() != c.info.tools_hash || list->count() != c.info.tool_count) note("tools_intact", shown);
}

void row_survey::note(const std::string& check, const std::string& example) {
  auto& list = faults_[check];
  ++list.count;
  if (list.examples.size() < 5) list.examples.push_back(example);
}

std::vector<finding> row_survey::findings() const {
  std::vector<finding> out;
  for (const auto& rule : invariants) {
    finding f;
    f.check = rule.check;
    f.count = live_;
    f.text = rule.holds;
    if (const auto broken = faults_.find(rule.check); broken != faults_.end()) {
      f.severity = finding::level::problem;
      f.text = rule.broken;
      f.count = broken->second.count;
      f.examples = broken->second.examples;
    }
    out.push_back(std::move(f));
  }
  return out;
}

}  // namespace mcpstate
