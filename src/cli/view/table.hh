// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <string>
#include <vector>

// Aligned text for people: tables with two spaces between columns and no rules, and sheets with one fact to a line. Pure.
namespace mcpstate::cli {

// What a cell means; the terminal decides how that looks, if it has colours at all.
enum class tone { plain, dim, good, bad, warn, head };

// The text in that tone: ANSI colours, or as it is.
[[nodiscard]] std::string painted(const std::string& text, tone look, bool colour);

struct cell {
  cell(std::string content, tone style = tone::plain) : text(std::move(content)), look(style) {}
  cell(const char* content) : text(content) {}
  std::string text;
  tone look = tone::plain;
};

class table {
 public:
  explicit table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
  // Cells become harmless text here (printable()); as many as there are heads.
  void add(std::vector<cell> row);
  // How wide the last column may be where nothing else limits it: text that others chose has no end. 0: no limit.
  void limit_last(std::size_t width) noexcept { last_limit_ = width; }
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  // Lines, each ended. A line longer than max_width (0: no limit) loses the end of its last column, then of its widest ones.
  [[nodiscard]] std::string text(bool colour, std::size_t max_width) const;

 private:
  std::vector<std::string> heads_;
  std::vector<std::vector<cell>> rows_;
  std::size_t last_limit_ = 0;
};

// A name and a value on each line. Values become harmless text.
class sheet {
 public:
  // name_width: columns from the beginning of a name to its value.
  sheet(std::size_t name_width, std::string indent, bool colour)
      : name_width_(name_width), indent_(std::move(indent)), colour_(colour) {}
  void head(const std::string& text);
  // Nothing for an empty value.
  void fact(const std::string& name, const std::string& value, tone look = tone::plain);
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::size_t name_width_;
  std::string indent_;
  bool colour_;
  std::string text_;
};

}  // namespace mcpstate::cli
