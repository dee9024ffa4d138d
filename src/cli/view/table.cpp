// SPDX-License-Identifier: MIT
#include "cli/view/table.hh"

#include <algorithm>
#include <cassert>

#include "cli/view/text.hh"

namespace mcpstate::cli {

namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t least = 8;  // of the last column: less would be no help, and the terminal may wrap

struct limits {
  std::size_t line = 0, last = 0;  // 0: none
};

std::string line_of(const std::vector<cell>& row, const std::vector<std::size_t>& widths, bool colour, limits within) {
  std::string out;
  std::size_t used = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const bool last = i + 1 == row.size();
    std::string text = row[i].text;
    const std::size_t room = within.line > used + least ? within.line - used : least;
    const std::size_t left = within.line > 0 ? room : within.last;
    if (last && left > 0) text = cut_to_width(text, left);
    out += painted(text, row[i].look, colour);
    if (last) break;
    out.append(widths[i] - display_width(text) + gap, ' ');
    used += widths[i] + gap;
  }
  // An empty last cell leaves blanks that nobody wants in a pipe.
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out + "\n";
}

}  // namespace

std::string painted(const std::string& text, tone look, bool colour) {
  if (!colour || text.empty()) return text;
  const char* code = nullptr;
  switch (look) {
    case tone::plain:
      return text;
    case tone::dim:
      code = "2";
      break;
    case tone::good:
      code = "32";
      break;
    case tone::bad:
      code = "31";
      break;
    case tone::warn:
      code = "33";
      break;
    case tone::head:
      code = "1";
      break;
  }
  return std::string("\x1b[") + code + "m" + text + "\x1b[0m";
}

void table::add(std::vector<cell> row) {
  assert(row.size() == heads_.size());
  for (auto& c : row) c.text = shown(c.text);
  rows_.push_back(std::move(row));
}

std::string table::text(bool colour, std::size_t max_width) const {
  std::vector<std::size_t> widths;
  std::vector<cell> head;
  for (const auto& h : heads_) {
    widths.push_back(display_width(h));
    head.emplace_back(h, tone::head);
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i].text));
  }
  const limits within{max_width, last_limit_};
  std::string out = line_of(head, widths, colour, within);
  for (const auto& row : rows_) out += line_of(row, widths, colour, within);
  return out;
}

}  // namespace mcpstate::cli
