// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <string>
#include <vector>

// A table for people: aligned columns, two spaces apart, no rules. Pure.
namespace mcpstate::cli {

// What a cell means; the terminal decides how that looks, if it has colours at all.
enum class tone { plain, dim, good, bad, warn, head };

// The text in that tone: ANSI colours, or as it is.
[[nodiscard]] std::string painted(const std::string& text, tone look, bool colour);

struct cell {
  cell(std::string what, tone how = tone::plain) : text(std::move(what)), look(how) {}
  cell(const char* what) : text(what) {}
  std::string text;
  tone look = tone::plain;
};

class table {
 public:
  explicit table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
  // Cells become harmless text here (shown()); as many as there are heads.
  void add(std::vector<cell> row);
  // How wide the last column may be where nothing else limits it: text that others chose has no end. 0: no limit.
  void limit_last(std::size_t width) noexcept { last_limit_ = width; }
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  // Lines, each ended. A line longer than max_width (0: no limit) loses the end of its last column.
  [[nodiscard]] std::string text(bool colour, std::size_t max_width) const;

 private:
  std::vector<std::string> heads_;
  std::vector<std::vector<cell>> rows_;
  std::size_t last_limit_ = 0;
};

}  // namespace mcpstate::cli
