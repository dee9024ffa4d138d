// SPDX-License-Identifier: MIT
#include "service/events/event_frames.hh"

#include <mcpstate/core/connection_json.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/json/text.hh"

namespace mcpstate::service {

namespace {

constexpr std::size_t least_limit = 16;
constexpr std::string_view resync_start = "event: resync\n";

// Makes one line of JSON, as the data of a frame must be. JSON allows line breaks between members.
std::string on_one_line(std::string json) {
  std::replace_if(json.begin(), json.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return json;
}

std::string encode_removal(const connection& record) {
  object_writer out;
  out.text("owner", record.owner.text()).text("server", record.server);
  if (is_foreign_member(record)) out.text("member", record.member);
  return out.str();
}

frame encode_event(const event& change) {
  const bool present = change.what == event::kind::present;
  auto text = std::make_shared<std::string>("id: " + std::to_string(change.number));
  text->append(present ? "\nevent: connection\ndata: " : "\nevent: removed\ndata: ");
  text->append(present ? on_one_line(to_json(*change.record)) : encode_removal(*change.record)).append("\n\n");
  return text;
}

frame constant(std::string_view text) { return std::make_shared<const std::string>(text); }

}  // namespace

const frame& event_frames::ready() {
  static const frame text = constant("event: ready\ndata: {}\n\n");
  return text;
}

const frame& event_frames::resync() {
  static const frame text = constant("event: resync\ndata: {}\n\n");
  return text;
}

frame event_frames::resync(std::string_view remark) {
  if (remark.empty()) return resync();
  const auto text = "event: resync\ndata: " + object_writer().text("remark", remark).str() + "\n\n";
  if (!remarked_resync_ || *remarked_resync_ != text) remarked_resync_ = std::make_shared<const std::string>(text);
  return remarked_resync_;
}

frame event_frames::encode(const event& change) {
  if (const auto known = frames_.find(change.record); known != frames_.end()) return known->second;
  if (frames_.size() >= limit_) {
    std::erase_if(frames_, [](const auto& one) { return one.first.expired(); });
    limit_ = std::max(least_limit, frames_.size() * 2);
  }
  return frames_.emplace(change.record, encode_event(change)).first->second;
}

frame event_frames::unavailable(const error& why) {
  const auto data = object_writer().text("code", name_of(why.code())).text("message", why.detail()).str();
  const auto text = "event: unavailable\ndata: " + data + "\n\n";
  if (!unavailable_ || *unavailable_ != text) unavailable_ = std::make_shared<const std::string>(text);
  return unavailable_;
}

frame event_frames::join(std::vector<frame> parts) {
  auto& last = !parts.empty() && parts.front()->starts_with(resync_start) ? resynced_ : snapshot_;
  auto made = last.lock();
  if (!made || made->parts != parts) {
    auto text = std::make_shared<joined_text>();
    for (const auto& part : parts) text->text.append(*part);
    text->parts = std::move(parts);
    made = std::move(text);
    last = made;
  }
  return frame(made, &made->text);
}

}  // namespace mcpstate::service
