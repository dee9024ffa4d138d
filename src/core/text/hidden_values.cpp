// SPDX-License-Identifier: MIT
#include "core/text/hidden_values.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/text/base64.hh"
#include "core/text/escapes.hh"
#include "core/text/secrets.hh"

namespace mcpstate {

namespace {

constexpr auto none = std::string_view::npos;
constexpr int deepest = 3;                // escapes in escapes
// Bytes; what is shorter may be a word.
constexpr std::size_t shortest_form = 4, shortest_base64 = 8;

struct range {
  std::size_t begin = 0, end = 0;  // of the original text
};

// A text as it reads without escapes or line ends: each byte, and what it stands for in the original.
struct reading {
  std::string bytes;
  std::vector<range> origin;
  void add(char byte, range from) {
    bytes += byte;
    origin.push_back(from);
  }
};

reading as_it_is(const std::string& text) {
  reading out;
  out.origin.reserve(text.size());
  out.bytes = text;
  for (std::size_t at = 0; at < text.size(); ++at) out.origin.push_back({at, at + 1});
  return out;
}

// Forms, where a blank is written +, compare alike.
void fold(std::string& bytes) { std::replace(bytes.begin(), bytes.end(), '+', ' '); }

reading without_escapes(const reading& in) {
  reading out;
  for (std::size_t at = 0; at < in.bytes.size();) {
    const auto escape = read_escape(std::string_view(in.bytes).substr(at));
    if (escape.bytes.empty()) {
      out.add(in.bytes[at], in.origin[at]);
    } else {
      const range all{in.origin[at].begin, in.origin[at + escape.length - 1].end};
      for (const char byte : escape.bytes) out.add(byte, all);
    }
    at += escape.length;
  }
  return out;
}

bool has_line_end(std::string_view text) noexcept { return text.find_first_of("\r\n") != none; }

// Blanks that hold a line end are left out, or are one blank.
reading without_line_ends(const reading& in, bool blank) {
  constexpr std::string_view white = " \t\r\n";
  reading out;
  for (std::size_t at = 0; at < in.bytes.size();) {
    const std::size_t end = std::min(in.bytes.find_first_not_of(white, at), in.bytes.size());
    if (end > at && has_line_end(std::string_view(in.bytes).substr(at, end - at))) {
      if (blank) out.add(' ', {in.origin[at].begin, in.origin[end - 1].end});
      at = end;
      continue;
    }
    for (const std::size_t stop = std::max(end, at + 1); at < stop; ++at) out.add(in.bytes[at], in.origin[at]);
  }
  return out;
}

// One value, searched in one pass over any text.
class needle {
 public:
  explicit needle(std::string value) : value_(std::move(value)), border_(value_.size(), 0) {
    for (std::size_t at = 1, length = 0; at < value_.size(); ++at) {
      length = step(length, value_[at]);
      border_[at] = length;
    }
  }

  // ends: for each byte of the original, how far a value that begins there goes.
  void find(const reading& text, std::vector<std::size_t>& ends) const {
    std::size_t matched = 0;
    for (std::size_t at = 0; at < text.bytes.size(); ++at) {
      if (matched == 0) {
        at = text.bytes.find(value_.front(), at);
        if (at == none) return;
      }
      matched = step(matched, text.bytes[at]);
      if (matched < value_.size()) continue;
      std::size_t& end = ends[text.origin[at + 1 - matched].begin];
      end = std::max(end, text.origin[at].end);
      matched = border_[matched - 1];
    }
  }

 private:
  // How much of the value the text ends with, after one byte more.
  [[nodiscard]] std::size_t step(std::size_t matched, char byte) const {
    while (matched > 0 && value_[matched] != byte) matched = border_[matched - 1];
    return value_[matched] == byte ? matched + 1 : 0;
  }

  std::string value_;
  std::vector<std::size_t> border_;  // of each beginning: the longest part that it begins and ends with
};

void add_forms(std::vector<std::string>& out, const std::string& value) {
  if (value.empty()) return;
  out.push_back(value);
  const auto add = [&out](std::string form, std::size_t shortest) {
    if (form.size() >= shortest) out.push_back(std::move(form));
  };
  // Without its last digits too, which padding or further bytes would change.
  const std::size_t digits = value.size() / 3 * 4;
  for (const std::string& base64 : {to_base64(value), to_base64url(value)}) {
    add(base64, shortest_base64);
    add(base64.substr(0, digits), shortest_base64);
  }
  reading read = as_it_is(value);
  for (int depth = 0; depth < deepest; ++depth) {
    read = without_escapes(read);
    add(read.bytes, shortest_form);
  }
}

std::vector<needle> needles_of(const std::vector<std::string>& values) {
  std::vector<std::string> forms;
  for (const std::string& value : values) add_forms(forms, value);
  for (std::string& form : forms) fold(form);
  std::vector<needle> out;
  for (std::string& form : longest_first(std::move(forms))) out.emplace_back(std::move(form));
  return out;
}

class searcher {
 public:
  searcher(const std::vector<std::string>& values, std::size_t length) : needles_(needles_of(values)), ends_(length, 0) {}

  // In the text, and in what it reads like without escapes.
  void search(reading text) {
    for (int depth = 0;; ++depth) {
      look_through(text);
      if (has_line_end(text.bytes)) {
        look_through(without_line_ends(text, false));
        look_through(without_line_ends(text, true));
      }
      if (depth == deepest) return;
      reading next = without_escapes(text);
      if (next.bytes == text.bytes) return;
      text = std::move(next);
    }
  }

  // The original with what was found replaced.
  [[nodiscard]] std::string replaced(const std::string& text) const {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = ends_[at];
      if (end == 0) {
        out += text[at++];
        continue;
      }
      out += hidden_text;
      while (++at < end) end = std::max(end, ends_[at]);
    }
    return out;
  }

 private:
  void look_through(reading text) {
    fold(text.bytes);
    for (const needle& each : needles_) each.find(text, ends_);
  }

  std::vector<needle> needles_;
  std::vector<std::size_t> ends_;
};

}  // namespace

std::vector<std::string> longest_first(std::vector<std::string> values) {
  const auto longer = [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  };
  std::sort(values.begin(), values.end(), longer);
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

std::string without_values(std::string text, const std::vector<std::string>& values) {
  if (values.empty() || text.empty()) return text;
  searcher all(values, text.size());
  all.search(as_it_is(text));
  // Escapes that a line end breaks.
  if (has_line_end(text)) all.search(without_line_ends(as_it_is(text), false));
  return all.replaced(text);
}

}  // namespace mcpstate
