// SPDX-License-Identifier: MIT
#include "redis/topology/verdict.hh"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/text/ascii.hh"
#include "core/text/number.hh"

namespace mcpstate::redis {
namespace {

constexpr std::string_view multi = "*1\r\n$5\r\nMULTI\r\n";

bool means_again(refusal_kind kind) noexcept {
  switch (kind) {
    case refusal_kind::none:
    case refusal_kind::no_replicas:  // the caller decides what a write is worth without them
    case refusal_kind::cross_slot:
    case refusal_kind::interrupted:
      return false;
    default:
      return true;
  }
}

// Whether the answer to EXEC says that nothing has run. "ERR EXEC without MULTI" does not: the commands before it ran alone.
bool aborted(const reply& exec) {
  return exec.is_error() && (exec.text.starts_with("EXECABORT") || means_again(read_refusal(exec).kind));
}

verdict judge_atomic(std::span<const reply> answers, const refusal& first) {
  verdict out;
  out.why = first;
  if (answers.front().is_error() || !aborted(answers.back())) {
    // What was queued was refused, yet EXEC ran something, or MULTI itself was refused and its commands ran one by one.
    out.next = verdict::step::unknown;
    return out;
  }
  out.next = verdict::step::again;
  out.commands.resize(answers.size());
  std::iota(out.commands.begin(), out.commands.end(), std::size_t{0});
  return out;
}

verdict interrupted(const refusal& seen) {
  verdict out;
  out.next = verdict::step::unknown;
  out.why = seen;
  return out;
}

// The end of "*3\r\n" or "$5\r\n" at `at`, and its number.
bool read_header(std::string_view text, std::size_t& at, char type, std::size_t& number) {
  if (at >= text.size() || text[at] != type) return false;
  const std::size_t end = text.find("\r\n", at);
  if (end == std::string_view::npos) return false;
  const auto read = parse_number<std::size_t>(text.substr(at + 1, end - at - 1));
  if (!read) return false;
  number = *read;
  at = end + 2;
  return true;
}

// The end of the command that begins at `at`; npos when it is none.
std::size_t end_of_command(std::string_view text, std::size_t at) {
  std::size_t arguments = 0;
  if (!read_header(text, at, '*', arguments)) return std::string_view::npos;
  for (; arguments != 0; --arguments) {
    std::size_t length = 0;
    if (!read_header(text, at, '$', length) || length > text.size() - at || text.size() - at - length < 2) {
      return std::string_view::npos;
    }
    at += length + 2;
  }
  return at;
}

}  // namespace

unit_shape shape_of(const request& commands, effect kind) noexcept {
  const std::string_view bytes = commands.bytes();
  const bool atomic =
      commands.commands() > 1 && bytes.size() > multi.size() && ascii_iequal(bytes.substr(0, multi.size()), multi);
  return unit_shape(commands.commands(), kind, atomic);
}

verdict judge(std::span<const reply> answers, const unit_shape& unit) {
  verdict out;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].is_error()) continue;
    const refusal seen = read_refusal(answers[i]);
    if (seen.kind == refusal_kind::cross_slot) {
      out.next = verdict::step::bug;
      out.why = seen;
      return out;
    }
    // A script that only reads has changed nothing: it may run again.
    if (seen.kind == refusal_kind::interrupted && unit.kind == effect::write) return interrupted(seen);
    if (seen.kind != refusal_kind::interrupted && !means_again(seen.kind)) continue;
    if (out.commands.empty()) out.why = seen;
    out.commands.push_back(i);
  }
  if (unit.atomic && unit.kind == effect::write) {
    for (const reply& item : answers.back().items) {
      if (const refusal seen = read_refusal(item); seen.kind == refusal_kind::interrupted) return interrupted(seen);
    }
  }
  if (out.commands.empty()) return out;
  if (unit.atomic) return judge_atomic(answers, out.why);
  out.next = verdict::step::again;
  out.any_ran = out.commands.size() < answers.size();
  return out;
}

std::vector<std::string_view> split_commands(std::string_view encoded) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < encoded.size();) {
    const std::size_t end = end_of_command(encoded, at);
    if (end == std::string_view::npos) break;
    out.push_back(encoded.substr(at, end - at));
    at = end;
  }
  return out;
}

request select_commands(const request& from, std::span<const std::size_t> wanted, bool atomic, bool asking) {
  const std::vector<std::string_view> all = split_commands(from.bytes());
  request out;
  bool limited = from.limits().count == 0;  // nothing is left to be said about limits
  if (asking && atomic) out.add("ASKING");
  for (const std::size_t index : wanted) {
    if (index >= all.size()) break;
    if (!limited && index >= from.unlimited()) {
      out.limit_values(from.limits());
      limited = true;
    }
    if (asking && !atomic) out.add("ASKING");
    out.add_encoded(all[index]);
  }
  return out;
}

void drop_asking_replies(std::vector<reply>& answers, bool atomic) {
  if (atomic) {
    if (!answers.empty()) answers.erase(answers.begin());
    return;
  }
  std::size_t kept = 0;
  for (std::size_t i = 1; i < answers.size(); i += 2) {
    if (kept != i) answers[kept] = std::move(answers[i]);
    ++kept;
  }
  answers.resize(kept);
}

}  // namespace mcpstate::redis
