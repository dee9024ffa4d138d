// SPDX-License-Identifier: MIT
#include "redis/topology/redirect.hh"

#include "core/text/number.hh"
#include "redis/topology/slot.hh"

namespace mcpstate::redis {
namespace {

// "3999 127.0.0.1:6381"
void read_target(std::string_view rest, refusal& out) {
  const std::size_t space = rest.find(' ');
  if (space == std::string_view::npos) return;
  const auto slot = parse_number<std::uint16_t>(rest.substr(0, space));
  if (!slot || *slot >= slot_count) return;
  out.slot = *slot;
  out.target = announce(rest.substr(space + 1));
}

}  // namespace

refusal read_refusal(const reply& answer) {
  refusal out;
  if (!answer.is_error()) return out;
  const std::string_view text = answer.text;
  const error_meaning* const meant = find_meaning(text);
  if (meant == nullptr) return out;
  out.kind = meant->kind;
  const bool redirects = out.kind == refusal_kind::moved || out.kind == refusal_kind::ask;
  if (redirects && text.size() > meant->beginning.size()) read_target(text.substr(meant->beginning.size() + 1), out);
  return out;
}

std::string_view words_of(refusal_kind kind) noexcept { return meaning_of(kind).words; }
errc code_of(refusal_kind kind) noexcept { return meaning_of(kind).code; }

}  // namespace mcpstate::redis
