// SPDX-License-Identifier: MIT
#include "core/json/text.hh"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>

#include "core/text/utf8.hh"

namespace mcpstate {
namespace {

namespace json = boost::json;
using json::error_code;

// Boost.JSON asks a handler for these. The text is here already, so nothing has to be bounded.
struct unlimited {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
};

// Sees every value go by; keeps only the depth and what the outermost container holds.
struct shape_handler : unlimited {
  shape_handler(json_shape wanted, std::size_t limit) : shape(wanted), max_values(limit) {}

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_array_begin(error_code& ec) { return enter(json_shape::array, ec); }
  bool on_object_begin(error_code& ec) { return enter(json_shape::object, ec); }
  bool on_array_end(std::size_t n, error_code&) { return leave(n); }
  bool on_object_end(std::size_t n, error_code&) { return leave(n); }
  bool on_key_part(json::string_view, std::size_t, error_code&) { return true; }
  bool on_key(json::string_view, std::size_t, error_code&) { return true; }
  bool on_string_part(json::string_view, std::size_t, error_code& ec) { return part(ec); }
  bool on_string(json::string_view, std::size_t, error_code& ec) { return value(ec); }
  bool on_number_part(json::string_view, error_code& ec) { return part(ec); }
  bool on_int64(std::int64_t, json::string_view, error_code& ec) { return value(ec); }
  bool on_uint64(std::uint64_t, json::string_view, error_code& ec) { return value(ec); }
  bool on_double(double, json::string_view, error_code& ec) { return value(ec); }
  bool on_bool(bool, error_code& ec) { return value(ec); }
  bool on_null(error_code& ec) { return value(ec); }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

  bool enter(json_shape which, error_code& ec) {
    if (depth == 0 && which != shape) return wrong_shape(ec);
    ++depth;
    return count(ec);
  }
  bool leave(std::size_t n) {
    if (--depth == 0) elements = n;
    return true;
  }
  bool part(error_code& ec) { return depth > 0 || wrong_shape(ec); }
  bool value(error_code& ec) { return part(ec) && count(ec); }
  bool count(error_code& ec) {
    if (++values <= max_values) return true;
    ec = json::error::array_too_large;
    return false;
  }
  bool wrong_shape(error_code& ec) {
    is_other = true;
    ec = json::error::syntax;
    return false;
  }

  json_shape shape;
  std::size_t max_values;
  std::size_t depth = 0;
  std::size_t elements = 0;
  std::size_t values = 0;
  bool is_other = false;
};

// Takes the text of a string, which comes in parts; anything else is refused.
struct string_handler : unlimited {
  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_array_begin(error_code& ec) { return refuse(ec); }
  bool on_object_begin(error_code& ec) { return refuse(ec); }
  bool on_array_end(std::size_t, error_code& ec) { return refuse(ec); }
  bool on_object_end(std::size_t, error_code& ec) { return refuse(ec); }
  bool on_key_part(json::string_view, std::size_t, error_code& ec) { return refuse(ec); }
  bool on_key(json::string_view, std::size_t, error_code& ec) { return refuse(ec); }
  bool on_string_part(json::string_view part, std::size_t, error_code&) { return take(part); }
  bool on_string(json::string_view part, std::size_t, error_code&) { return take(part); }
  bool on_number_part(json::string_view, error_code& ec) { return refuse(ec); }
  bool on_int64(std::int64_t, json::string_view, error_code& ec) { return refuse(ec); }
  bool on_uint64(std::uint64_t, json::string_view, error_code& ec) { return refuse(ec); }
  bool on_double(double, json::string_view, error_code& ec) { return refuse(ec); }
  bool on_bool(bool, error_code& ec) { return refuse(ec); }
  bool on_null(error_code& ec) { return refuse(ec); }
  bool on_comment_part(json::string_view, error_code& ec) { return refuse(ec); }
  bool on_comment(json::string_view, error_code& ec) { return refuse(ec); }

  bool take(json::string_view part) {
    text.append(part.data(), part.size());
    return true;
  }
  static bool refuse(error_code& ec) {
    ec = json::error::syntax;
    return false;
  }

  std::string text;
};

// Whether it stands in JSON as it is. Most texts do; this loop has no early way out, so that compilers vectorize it.
bool is_plain(std::string_view text) noexcept {
  bool plain = true;
  for (const char c : text) plain &= c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
  return plain;
}

std::string_view shape_fault(json_shape shape) { return shape == json_shape::array ? "not an array" : "not an object"; }

}  // namespace

json_check check_json(std::string_view bytes, json_shape shape, std::size_t max_depth, std::size_t max_values) {
  json::parse_options limits;
  limits.max_depth = max_depth;
  json::basic_parser<shape_handler> parser(limits, shape, max_values);
  json_check out;
  error_code ec;
  out.offset = parser.write_some(false, bytes.data(), bytes.size(), ec);
  if (!ec && out.offset < bytes.size()) ec = json::error::extra_data;
  out.ok = !ec && parser.done();
  out.elements = parser.handler().elements;
  const bool too_many = parser.handler().values > max_values;
  if (too_many)
    out.fault = "more than " + std::to_string(max_values) + " values";
  else if (!out.ok)
    out.fault = parser.handler().is_other ? std::string(shape_fault(shape)) : ec.message();
  return out;
}

std::optional<std::string> read_json_string(std::string_view raw) {
  json::basic_parser<string_handler> parser(json::parse_options{});
  parser.handler().text.reserve(raw.size());
  error_code ec;
  const std::size_t read = parser.write_some(false, raw.data(), raw.size(), ec);
  if (ec || read < raw.size() || !parser.done()) return std::nullopt;
  return std::move(parser.handler().text);
}

void append_json_string(std::string& out, std::string_view text) {
  if (is_plain(text)) {
    (out += '"').append(text) += '"';
    return;
  }
  if (is_valid_utf8(text)) {
    out += json::serialize(json::string_view(text.data(), text.size()));
    return;
  }
  std::string repaired;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    repaired += length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += json::serialize(json::string_view(repaired));
}

std::string json_array(const std::vector<std::string>& texts) {
  return json_list(texts, [](const std::string& text) {
    std::string out;
    append_json_string(out, text);
    return out;
  });
}

object_writer::object_writer(std::string& out) : out_(out) { out_ += '{'; }

void object_writer::close() { out_ += '}'; }

std::string object_writer::str() {
  close();
  return std::move(own_);
}

void object_writer::begin(std::string_view name) {
  out_ += first_ ? "\"" : ",\"";
  first_ = false;
  out_.append(name).append("\":");
}

object_writer& object_writer::text(std::string_view name, std::string_view value) {
  begin(name);
  append_json_string(out_, value);
  return *this;
}

object_writer& object_writer::number(std::string_view name, std::uint64_t value) { return raw(name, std::to_string(value)); }

object_writer& object_writer::boolean(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }

object_writer& object_writer::time(std::string_view name, timestamp value) { return text(name, to_iso8601(value)); }

object_writer& object_writer::raw(std::string_view name, std::string_view value) {
  begin(name);
  out_ += value;
  return *this;
}

object_writer object_writer::object(std::string_view name) {
  begin(name);
  return object_writer(out_);
}

object_writer& object_writer::number(std::string_view name, const std::optional<std::uint64_t>& value) {
  return value ? number(name, *value) : *this;
}

object_writer& object_writer::time(std::string_view name, const std::optional<timestamp>& value) {
  return value ? time(name, *value) : *this;
}

}  // namespace mcpstate
