// SPDX-License-Identifier: MIT
#include <mcpstate/core/time.hpp>

#include <algorithm>

#include "core/text/ascii.hh"

namespace mcpstate {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;

// What four digits of a year can say, and what Python's datetime accepts.
constexpr timestamp first_time = sys_days(std::chrono::year(1) / 1 / 1);
constexpr timestamp last_time = sys_days(std::chrono::year(9999) / 12 / 31) + days(1) - microseconds(1);

void put_digits(char* to, int width, std::int64_t value) noexcept {
  for (int i = width - 1; i >= 0; --i, value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

// Reads a text from the front; every take_ is false (and the text not to be used further) when it does not match.
class reader {
 public:
  explicit reader(std::string_view text) : rest_(text) {}
  bool at_end() const noexcept { return rest_.empty(); }
  char next() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
  bool take_char(char c) noexcept {
    if (next() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_number(std::size_t width, int low, int high, int& out) noexcept {
    if (rest_.size() < width || !std::all_of(rest_.begin(), rest_.begin() + width, is_digit)) return false;
    out = 0;
    for (std::size_t i = 0; i < width; ++i) out = out * 10 + (rest_[i] - '0');
    rest_.remove_prefix(width);
    return out >= low && out <= high;
  }
  // ".5" to ".123456789"; nothing is zero. Nanoseconds are cut off, not rounded: a time never moves into the future.
  bool take_fraction(microseconds& out) noexcept {
    out = microseconds(0);
    if (!take_char('.')) return true;
    std::int64_t scale = 100'000;
    std::size_t digits = 0;
    for (; is_digit(next()); ++digits, scale /= 10) {
      out += microseconds((next() - '0') * scale);
      rest_.remove_prefix(1);
    }
    return digits >= 1 && digits <= 9;
  }

 private:
  std::string_view rest_;
};

bool take_date(reader& in, sys_days& out) noexcept {
  int year = 0, month = 0, day = 0;
  const bool read = in.take_number(4, 1, 9999, year) && in.take_char('-') && in.take_number(2, 1, 12, month) &&
                    in.take_char('-') && in.take_number(2, 1, 31, day);
  if (!read) return false;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  out = sys_days(date);
  return date.ok();
}

bool take_time_of_day(reader& in, microseconds& out) noexcept {
  int hour = 0, minute = 0, second = 0;
  microseconds fraction{};
  const bool read = in.take_number(2, 0, 23, hour) && in.take_char(':') && in.take_number(2, 0, 59, minute) &&
                    in.take_char(':') && in.take_number(2, 0, 59, second) && in.take_fraction(fraction);
  out = hours(hour) + minutes(minute) + seconds(second) + fraction;
  return read;
}

// Z, +01:00 or +0100, or nothing: then it is naive.
bool take_zone(reader& in, minutes& offset, bool& naive) noexcept {
  offset = minutes(0);
  naive = in.at_end();
  if (naive || in.take_char('Z')) return true;
  const bool behind = in.next() == '-';
  if (!in.take_char(behind ? '-' : '+')) return false;
  int hour = 0, minute = 0;
  if (!in.take_number(2, 0, 23, hour)) return false;
  in.take_char(':');
  if (!in.take_number(2, 0, 59, minute)) return false;
  offset = hours(hour) + minutes(minute);
  if (behind) offset = -offset;
  return true;
}

class system_wall_clock final : public clock_source {
 public:
  timestamp now() const override { return floor<microseconds>(std::chrono::system_clock::now()); }
};

}  // namespace

std::string to_iso8601(timestamp t) {
  t = std::clamp(t, first_time, last_time);
  const sys_days day = floor<days>(t);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(t - day);
  std::string out = "0000-00-00T00:00:00.000000+00:00";
  put_digits(&out[0], 4, static_cast<int>(date.year()));
  put_digits(&out[5], 2, static_cast<unsigned>(date.month()));
  put_digits(&out[8], 2, static_cast<unsigned>(date.day()));
  put_digits(&out[11], 2, clock.hours().count());
  put_digits(&out[14], 2, clock.minutes().count());
  put_digits(&out[17], 2, clock.seconds().count());
  put_digits(&out[20], 6, clock.subseconds().count());
  return out;
}

std::optional<parsed_time> from_iso8601(std::string_view text) {
  reader in(text);
  sys_days day;
  microseconds time_of_day{};
  minutes offset{};
  parsed_time out;
  if (!take_date(in, day) || !(in.take_char('T') || in.take_char(' ')) || !take_time_of_day(in, time_of_day) ||
      !take_zone(in, offset, out.naive) || !in.at_end()) {
    return std::nullopt;
  }
  out.time = timestamp(day) + time_of_day - offset;
  if (out.time < first_time || out.time > last_time) return std::nullopt;
  return out;
}

const clock_source& wall_clock() noexcept {
  static const system_wall_clock clock;
  return clock;
}

}  // namespace mcpstate
