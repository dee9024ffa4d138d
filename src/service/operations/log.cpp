// SPDX-License-Identifier: MIT
#include "service/operations/log.hh"

#include <openssl/evp.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ostream>

#include "core/json/text.hh"
#include "core/text/secrets.hh"
#include "core/text/utf8.hh"

namespace mcpstate::service {

namespace {

std::string_view name_of_level(log_level level) noexcept {
  constexpr std::array<std::string_view, 5> names{"debug", "info", "warn", "error", "off"};
  return names.at(static_cast<std::size_t>(level));
}

// What a terminal would act on, or show otherwise than it is: control characters, marks that change the direction of text,
// and what ends a line elsewhere. By its bytes in UTF-8.
bool acts(std::string_view c) noexcept {
  const auto byte = [c](std::size_t i) { return static_cast<unsigned char>(c[i]); };
  if (c.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (c.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
  if (c.size() != 3 || byte(0) != 0xe2) return false;
  return (byte(1) == 0x80 && (byte(2) >= 0xa8 || (byte(2) >= 0x8b && byte(2) <= 0x8f)) && byte(2) <= 0xae) ||
         (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
}

std::uint32_t code_point(std::string_view c) noexcept {
  const auto byte = [c](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(c[i])); };
  if (c.size() == 1) return byte(0);
  if (c.size() == 2) return ((byte(0) & 0x1fU) << 6U) | (byte(1) & 0x3fU);
  return ((byte(0) & 0x0fU) << 12U) | ((byte(1) & 0x3fU) << 6U) | (byte(2) & 0x3fU);
}

// A JSON string in which nothing acts. Its input is text of others: append_json_string makes it valid first.
void append_safe_string(std::string& out, std::string_view text) {
  std::string valid;
  append_json_string(valid, text);
  for (std::string_view rest = valid; !rest.empty();) {
    const auto c = rest.substr(0, std::max<std::size_t>(utf8_length(rest), 1));
    rest.remove_prefix(c.size());
    if (!acts(c)) {
      out += c;
      continue;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    const auto code = code_point(c);
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += digits[(code >> static_cast<unsigned>(shift)) & 15U];
  }
}

// Whether a text can stand in a text line as it is.
bool is_plain(std::string_view text, bool spaces) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0 || acts(text.substr(0, length))) return false;
    const char c = text.front();
    if (c == '"' || c == '\\' || (!spaces && (c == ' ' || c == '='))) return false;
    text.remove_prefix(length);
  }
  return true;
}

void append_text(std::string& out, log_style style, std::string_view text, bool spaces) {
  if (style == log_style::text && is_plain(text, spaces)) {
    out += text;
  } else {
    append_safe_string(out, text);
  }
}

template <class Number>
void append_number(std::string& out, Number n) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
  out.append(digits.data(), end);
}

struct value_writer {
  std::string& out;
  log_style style;
  bool secret;
  void text(std::string_view t) const { append_text(out, style, secret ? hidden_text : without_secrets(t), false); }
  void operator()(const std::string& t) const { text(t); }
  void operator()(std::string_view t) const { text(t); }
  void operator()(bool b) const { out += b ? "true" : "false"; }
  void operator()(std::int64_t n) const { append_number(out, n); }
  void operator()(std::uint64_t n) const { append_number(out, n); }
  void operator()(double d) const {
    if (std::isfinite(d)) return append_number(out, d);
    out += "null";
  }
};

std::string short_hash(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < 4; ++i) {
    out += digits[digest.at(i) >> 4U];
    out += digits[digest.at(i) & 15U];
  }
  return out;
}

spdlog::level::level_enum level_in_spdlog(log_level level) noexcept {
  switch (level) {
    case log_level::debug:
      return spdlog::level::debug;
    case log_level::info:
      return spdlog::level::info;
    case log_level::warn:
      return spdlog::level::warn;
    case log_level::error:
      return spdlog::level::err;
    case log_level::off:
      break;
  }
  return spdlog::level::off;
}

}  // namespace

std::string log_name(const owner& who) {
  if (who.kind() == owner_kind::user) return who.text();
  constexpr std::size_t shown = 4;
  const std::string& key = who.id();
  // Of a short key even four characters are too many.
  std::string start;
  std::string_view rest = key;
  for (std::size_t n = 0; n < shown && key.size() >= 4 * shown; ++n) {
    start += rest.substr(0, utf8_length(rest));
    rest.remove_prefix(utf8_length(rest));
  }
  return "session:" + start + "…#" + short_hash(key);
}

log_field::log_field(std::string_view key, const owner& who) : key_(key), value_(log_name(who)) {}

std::string log_line(log_style style, timestamp at, log_level level, std::string_view what, log_fields fields) {
  std::string out;
  const auto message = without_secrets(what);
  if (style == log_style::text) {
    const auto name = name_of_level(level);
    out.append(to_iso8601(at)).append(" ").append(name).append(6 - name.size(), ' ');
    append_text(out, style, message, true);
  } else {
    json_members members(out);
    out += "{";
    members.text("time", to_iso8601(at));
    members.text("level", name_of_level(level));
    out += R"(,"message":)";
    append_text(out, style, message, true);
  }
  for (const auto& one : fields) {
    const value_writer writer{out, style, names_secret(one.key())};
    if (style == log_style::text) {
      out.append(" ").append(one.key()).append("=");
    } else {
      out.append(",\"").append(one.key()).append("\":");
    }
    std::visit(writer, one.value());
  }
  if (style == log_style::json) out += "}";
  return out;
}

struct log::sink {
  explicit sink(spdlog::sink_ptr to, log_level least) : logger("mcpstate", std::move(to)) {
    logger.set_pattern("%v");
    logger.set_level(level_in_spdlog(least));
  }
  spdlog::logger logger;
};

log::log(log_style how, log_level least)
    : style_(how), least_(least), sink_(std::make_unique<sink>(std::make_shared<spdlog::sinks::stderr_sink_mt>(), least)) {}

log::log(log_style how, log_level least, std::ostream& out)
    : style_(how),
      least_(least),
      sink_(std::make_unique<sink>(std::make_shared<spdlog::sinks::ostream_sink_mt>(out, true), least)) {}

log::~log() = default;

void log::write(log_level level, std::string_view what, log_fields fields) {
  if (!writes(level)) return;
  const auto line = log_line(style_, wall_clock().now(), level, what, fields);
  sink_->logger.log(level_in_spdlog(level), spdlog::string_view_t(line));
}

}  // namespace mcpstate::service
