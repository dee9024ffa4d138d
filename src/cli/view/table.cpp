// SPDX-License-Identifier: MIT
#include "cli/view/table.hh"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "cli/view/text.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t min_last_width = 8;  // less would be no help, and the terminal may wrap
constexpr std::size_t min_column = 16;     // likewise, of the others
constexpr std::size_t max_padding = 200;   // one long name must not make every line as long

struct limits {
  std::size_t line = 0, last = 0;  // 0: none
};

std::string row_line(const std::vector<cell>& row, const std::vector<std::size_t>& widths, bool colour, limits limit) {
  std::string out;
  std::size_t used = 0;
  for (std::size_t i = 0; i + 1 < row.size(); ++i) {
    const std::string shown = limit.line > 0 ? cut_to_width(row[i].text, widths[i]) : row[i].text;
    const std::size_t width = display_width(shown);
    out += painted(shown, row[i].look, colour);
    out.append((widths[i] > width ? widths[i] - width : 0) + gap, ' ');
    used += widths[i] + gap;
  }
  const std::size_t room = limit.line > used + min_last_width ? limit.line - used : min_last_width;
  const std::size_t width = limit.line > 0 ? room : limit.last;
  const auto& last = row.back();
  out += painted(width > 0 ? cut_to_width(last.text, width) : last.text, last.look, colour);
  // An empty last cell leaves blanks that nobody wants in a pipe.
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out + "\n";
}

// Takes from the widest columns before the last one what does not fit into a line.
void fit(std::vector<std::size_t>& widths, std::size_t line) {
  const auto last = widths.end() - 1;
  if (last == widths.begin()) return;
  for (;;) {
    const std::size_t used = std::accumulate(widths.begin(), last, widths.size() * gap - gap) + min_last_width;
    const auto widest = std::max_element(widths.begin(), last);
    if (used <= line || *widest <= min_column) return;
    *widest = std::max(min_column, *widest - std::min(*widest, used - line));
  }
}

}  // namespace

std::string painted(const std::string& text, tone look, bool colour) {
  constexpr const char* codes[] = {"", "2", "32", "31", "33", "1"};  // in the order of tone
  if (!colour || text.empty() || look == tone::plain) return text;
  return std::string("\x1b[") + codes[static_cast<std::size_t>(look)] + "m" + text + "\x1b[0m";
}

void table::add(std::vector<cell> row) {
  assert(row.size() == heads_.size());
  for (auto& c : row) c.text = printable(c.text);
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
  if (max_width > 0) {
    fit(widths, max_width);
  } else {
    for (auto& width : widths) width = std::min(width, max_padding);
  }
  const limits limit{max_width, last_limit_};
  std::string out = row_line(head, widths, colour, limit);
  for (const auto& row : rows_) out += row_line(row, widths, colour, limit);
  return out;
}

void sheet::head(const std::string& text) { text_ += painted(printable(text), tone::head, colour_) + "\n"; }

void sheet::fact(const std::string& name, const std::string& value, tone look) {
  if (value.empty()) return;
  text_ += indent_ + name + std::string(name_width_ - name.size(), ' ') + painted(printable(value), look, colour_) + "\n";
}

}  // namespace mcpstate::cli
