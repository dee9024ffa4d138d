// SPDX-License-Identifier: MIT
#include "redis/parser.hh"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "core/text/number.hh"

namespace mcpstate::redis {
namespace {

constexpr std::string_view type_bytes = "+-:$*_#,(!=%~>|;.\r";
constexpr std::size_t max_line = 1024u * 1024;             // simple strings and errors
constexpr std::size_t trusted_reserve = 4u * 1024 * 1024;  // of a bulk, before its bytes have come
constexpr std::size_t trusted_items = 1024;                // of an array, before its items have come

template <class Number>
std::optional<Number> parse_signed(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  return parse_number<Number>(text);
}

reply::type aggregate_kind(char type) {
  switch (type) {
    case '%':
      return reply::type::map;
    case '~':
      return reply::type::set;
    case '>':
      return reply::type::push;
    default:
      return reply::type::array;
  }
}

std::string show(char byte) {
  char text[16];
  const auto code = static_cast<unsigned char>(byte);
  std::snprintf(text, sizeof text, code > 0x20 && code < 0x7f ? "'%c'" : "0x%02x", code);
  return text;
}

}  // namespace

parser::status parser::feed(std::string_view& in) {
  if (failed_) return status::failed;
  for (;;) {
    step next = step::more;
    switch (phase_) {
      case phase::line:
        next = read_line(in);
        break;
      case phase::bulk:
        next = read_bulk(in);
        break;
      case phase::bulk_end:
        next = read_bulk_end(in);
        break;
    }
    switch (next) {
      case step::again:
        break;
      case step::more:
        return status::more;
      case step::failed:
        return status::failed;
      case step::ready:
        used_ = elements_ = 0;
        return status::ready;
    }
  }
}

bool parser::take_bytes(std::size_t n) {
  if (n > limits_.bytes - used_) return false;
  used_ += n;
  return true;
}

parser::step parser::read_line(std::string_view& in) {
  if (in.empty()) return step::more;
  // What is no reply at all is found out at once, not when a line ends.
  if (line_.empty() && type_bytes.find(in.front()) == std::string_view::npos) {
    return fail("a reply cannot begin with " + show(in.front()));
  }
  const auto* newline = static_cast<const char*>(std::memchr(in.data(), '\n', in.size()));
  const std::size_t n = newline != nullptr ? static_cast<std::size_t>(newline - in.data()) + 1 : in.size();
  if (line_.size() + n > max_line) return fail("a line of more than 1 MiB");
  if (!take_bytes(n)) return fail("a reply of more than " + std::to_string(limits_.bytes) + " bytes");
  const std::string_view piece = in.substr(0, n);
  in.remove_prefix(n);
  if (newline == nullptr) {
    line_ += piece;
    return step::more;
  }
  if (line_.empty()) return on_line(piece);
  line_ += piece;
  const step next = on_line(line_);
  line_.clear();
  return next;
}

parser::step parser::on_line(std::string_view line) {
  if (line.size() < 2 || line[line.size() - 2] != '\r') return fail("a line that does not end in CR LF");
  line.remove_suffix(2);
  if (line.empty()) return fail("an empty line where a reply should begin");
  const char type = line.front();
  const std::string_view body = line.substr(1);
  switch (type) {
    case '$':
    case '!':
    case '=':
      return on_bulk_header(type, body);
    case '*':
    case '%':
    case '~':
    case '>':
    case '|':
      return on_aggregate(type, body);
    default:
      return on_scalar(type, body);
  }
}

parser::step parser::on_scalar(char type, std::string_view body) {
  reply value;
  switch (type) {
    case '+':
    case '-':
      if (body.find('\r') != std::string_view::npos) return fail("a CR inside a line");
      value.kind = type == '+' ? reply::type::string : reply::type::error;
      value.text = body;
      return on_value(std::move(value));
    case ':':
      return on_integer(body);
    case ',':
      return on_real(body);
    case '(':
      return on_big_number(body);
    case '_':
      if (!body.empty()) return fail("a null with something in it");
      return on_value(std::move(value));
    case '#':
      if (body != "t" && body != "f") return fail("a boolean that is neither t nor f");
      value.kind = reply::type::boolean;
      value.integer = body == "t" ? 1 : 0;
      return on_value(std::move(value));
    case ';':
    case '.':
      return fail("a streamed reply, which is not supported");
    default:
      return fail("a reply cannot begin with " + show(type));
  }
}

parser::step parser::on_integer(std::string_view body) {
  const auto number = parse_signed<std::int64_t>(body);
  if (!number) return fail("an integer that is none");
  reply value;
  value.kind = reply::type::integer;
  value.integer = *number;
  return on_value(std::move(value));
}

parser::step parser::on_real(std::string_view body) {
  // A number too large or too small for a double is still a number: its text is what counts.
  const bool word = body == "inf" || body == "-inf" || body == "+inf" || body == "nan" || body == "-nan";
  if (!word) {
    const bool characters = body.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
    std::string_view digits = body;
    if (digits.starts_with('+') || digits.starts_with('-')) digits.remove_prefix(1);
    double ignored = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), ignored);
    const bool whole = ec != std::errc::invalid_argument && end == digits.data() + digits.size();
    if (!characters || digits.starts_with('-') || !whole) {
      return fail("a double that is none");
    }
  }
  reply value;
  value.kind = reply::type::real;
  value.text = body;
  return on_value(std::move(value));
}

parser::step parser::on_big_number(std::string_view body) {
  std::string_view digits = body;
  if (digits.starts_with('+') || digits.starts_with('-')) digits.remove_prefix(1);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    return fail("a big number that is none");
  }
  reply value;
  value.kind = reply::type::string;
  value.text = body;
  return on_value(std::move(value));
}

parser::step parser::on_bulk_header(char type, std::string_view body) {
  if (body == "?") return fail("a streamed reply, which is not supported");
  if (type == '$' && body == "-1") return on_value(reply());
  const auto length = parse_signed<std::uint64_t>(body);
  if (!length) return fail("a length that is none");
  const bool is_cut = type == '$' && *length > value_limit();
  const std::uint64_t kept = is_cut ? std::min<std::uint64_t>(*length, value_limits::kept) : *length;
  if (kept > limits_.bytes - used_) return fail("a reply of more than " + std::to_string(limits_.bytes) + " bytes");
  if (type == '=' && *length < 4) return fail("a verbatim string without its format");
  bulk_type_ = type;
  bulk_left_ = static_cast<std::size_t>(kept);
  bulk_dropped_ = bulk_dropped_left_ = *length - kept;
  bulk_.reserve(std::min(bulk_left_, trusted_reserve));
  phase_ = phase::bulk;
  return step::again;
}

std::size_t parser::value_limit() const noexcept {
  if (stack_.empty()) return value_limits_.at(0);
  if (stack_.front().value.kind == reply::type::push) return value_limits::none;
  return value_limits_.at(stack_.back().value.items.size());
}

parser::step parser::read_bulk(std::string_view& in) {
  const std::size_t n = std::min(bulk_left_, in.size());
  if (!take_bytes(n)) return fail("a reply of more than " + std::to_string(limits_.bytes) + " bytes");
  bulk_.append(in.substr(0, n));
  in.remove_prefix(n);
  bulk_left_ -= n;
  if (bulk_left_ != 0) return step::more;
  const auto dropped = static_cast<std::size_t>(std::min<std::uint64_t>(bulk_dropped_left_, in.size()));
  in.remove_prefix(dropped);
  bulk_dropped_left_ -= dropped;
  if (bulk_dropped_left_ != 0) return step::more;
  phase_ = phase::bulk_end;
  return step::again;
}

parser::step parser::read_bulk_end(std::string_view& in) {
  while (!in.empty()) {
    const char byte = in.front();
    in.remove_prefix(1);
    if (!take_bytes(1)) return fail("a reply of more than " + std::to_string(limits_.bytes) + " bytes");
    if (bulk_end_seen_ == 0 && byte == '\r') {
      bulk_end_seen_ = byte;
      continue;
    }
    if (bulk_end_seen_ == 0 || byte != '\n') return fail("a string that is longer than announced");
    bulk_end_seen_ = 0;
    phase_ = phase::line;
    reply value;
    value.kind = bulk_type_ == '!' ? reply::type::error : reply::type::string;
    if (bulk_type_ == '=') {
      if (bulk_[3] != ':') return fail("a verbatim string without its format");
      bulk_.erase(0, 4);
    }
    value.text = std::exchange(bulk_, std::string());
    value.dropped = bulk_dropped_;
    return on_value(std::move(value));
  }
  return step::more;
}

parser::step parser::on_aggregate(char type, std::string_view body) {
  if (body == "?") return fail("a streamed reply, which is not supported");
  if (type == '*' && body == "-1") return on_value(reply());
  const auto count = parse_signed<std::uint64_t>(body);
  if (!count) return fail("a length that is none");
  const std::uint64_t per_item = type == '%' || type == '|' ? 2 : 1;
  if (*count > (limits_.elements - elements_) / per_item) {
    return fail("a reply of more than " + std::to_string(limits_.elements) + " elements");
  }
  if (stack_.size() == limits_.depth) return fail("replies nested more than " + std::to_string(limits_.depth) + " deep");
  frame opened;
  opened.left = static_cast<std::size_t>(*count * per_item);
  opened.attribute = type == '|';
  elements_ += opened.left;
  opened.value.kind = aggregate_kind(type);
  if (opened.left == 0) return opened.attribute ? step::again : on_value(std::move(opened.value));
  if (!opened.attribute) opened.value.items.reserve(std::min(opened.left, trusted_items));
  stack_.push_back(std::move(opened));
  return step::again;
}

// A value is complete: it goes into what it belongs to, which may complete that in turn.
parser::step parser::on_value(reply value) {
  while (!stack_.empty()) {
    frame& top = stack_.back();
    if (!top.attribute) top.value.items.push_back(std::move(value));
    if (--top.left != 0) return step::again;
    const bool dropped = top.attribute;
    value = std::move(top.value);
    stack_.pop_back();
    if (dropped) return step::again;  // the value it speaks of follows
  }
  done_ = std::move(value);
  return step::ready;
}

parser::step parser::fail(std::string why) {
  failed_ = true;
  why_ = std::move(why);
  return step::failed;
}

}  // namespace mcpstate::redis
