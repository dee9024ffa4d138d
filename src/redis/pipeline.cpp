// SPDX-License-Identifier: MIT
#include "redis/pipeline.hh"

#include <algorithm>
#include <cassert>
#include <utility>

namespace mcpstate::redis {

bool pipeline::fits(const entry& e) const noexcept {
  return e.commands <= max_commands_ - std::min(pending(), max_commands_) &&
         e.bytes.size() <= max_bytes_ - std::min(pending_bytes(), max_bytes_);
}

std::uint64_t pipeline::add(std::unique_ptr<entry> e) {
  assert(e->commands != 0);
  waiting_ += e->commands;
  waiting_bytes_ += e->bytes.size();
  slot& added = slots_.emplace_back();
  added.left = e->commands;
  added.caller = std::move(e);
  return first_ + slots_.size() - 1;
}

void pipeline::stage(std::string& out) {
  if (waiting_bytes_ == 0) return;
  out.reserve(out.size() + waiting_bytes_);
  for (; sent_ < slots_.size(); ++sent_) {
    slot& next = slots_[sent_];
    if (!next.caller) continue;
    out += next.caller->bytes;
    next.caller->bytes = std::string();  // gives the memory back
    next.caller->replies.reserve(next.left);
  }
  in_flight_ += waiting_;
  staged_bytes_ += waiting_bytes_;
  waiting_ = waiting_bytes_ = 0;
  skip_finished();
}

void pipeline::skip_finished() {
  while (sent_ != 0 && slots_.front().left == 0) {
    slots_.pop_front();
    --sent_;
    ++first_;
  }
}

value_limits pipeline::next_limits() const {
  if (!owed()) return value_limits();
  const slot& front = slots_.front();
  if (!front.caller) return value_limits{0};
  const bool is_limited = front.caller->commands - front.left >= front.caller->unlimited;
  return is_limited ? front.caller->limits : value_limits();
}

std::unique_ptr<pipeline::entry> pipeline::on_reply(reply&& answer) {
  assert(owed());
  slot& front = slots_.front();
  --in_flight_;
  if (front.caller) front.caller->replies.push_back(std::move(answer));
  if (--front.left != 0) return nullptr;
  std::unique_ptr<entry> complete = std::move(front.caller);
  skip_finished();
  return complete;
}

pipeline::ending pipeline::take_out(std::size_t index, errc unsent, errc sent_read) {
  slot& ended = slots_[index];
  ending out{std::move(ended.caller), unsent};
  if (is_sent(index)) {
    out.reason = out.caller->kind == effect::write ? errc::outcome_unknown : sent_read;
  } else {
    waiting_ -= ended.left;
    waiting_bytes_ -= out.caller->bytes.size();
    ended.left = 0;
  }
  return out;
}

std::optional<pipeline::ending> pipeline::withdraw(std::uint64_t number) {
  if (number < first_ || number - first_ >= slots_.size()) return std::nullopt;
  const auto index = static_cast<std::size_t>(number - first_);
  if (!slots_[index].caller) return std::nullopt;
  ending out = take_out(index, errc::stopped, errc::stopped);
  trim();
  return out;
}

std::vector<pipeline::ending> pipeline::expire(time_point now) {
  std::vector<ending> out;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].caller && slots_[i].caller->deadline <= now) out.push_back(take_out(i, errc::deadline, errc::deadline));
  }
  trim();
  return out;
}

pipeline::time_point pipeline::earliest() const {
  time_point first = time_point::max();
  for (const slot& s : slots_) {
    if (s.caller) first = std::min(first, s.caller->deadline);
  }
  return first;
}

std::vector<pipeline::ending> pipeline::lost(errc reads) {
  std::vector<ending> out;
  for (std::size_t i = 0; i < sent_; ++i) {
    if (slots_[i].caller) out.push_back(take_out(i, reads, reads));
  }
  slots_.erase(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(sent_));
  first_ += sent_;
  sent_ = in_flight_ = staged_bytes_ = 0;
  trim();
  return out;
}

std::vector<pipeline::ending> pipeline::drop_waiting(errc reason) {
  std::vector<ending> out;
  for (std::size_t i = sent_; i < slots_.size(); ++i) {
    if (slots_[i].caller) out.push_back(take_out(i, reason, reason));
  }
  trim();
  return out;
}

// While nothing is sent, stage() does not come by to clear what was withdrawn.
void pipeline::trim() {
  if (sent_ != 0 || waiting_ != 0) return;
  first_ += slots_.size();
  slots_.clear();
}

}  // namespace mcpstate::redis
