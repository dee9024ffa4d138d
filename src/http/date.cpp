// SPDX-License-Identifier: MIT
#include "http/date.hh"

#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>
#include <string>

namespace mcpstate::http {
namespace {

constexpr std::size_t longest = 64;
constexpr char end_mark = '|';
constexpr const char* formats[] = {"%a, %d %b %Y %H:%M:%S GMT", "%a, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"};

std::optional<timestamp> to_time(const std::tm& read) {
  namespace chrono = std::chrono;
  const chrono::year_month_day day(chrono::year(read.tm_year + 1900), chrono::month(static_cast<unsigned>(read.tm_mon + 1)),
                                   chrono::day(static_cast<unsigned>(read.tm_mday)));
  if (!day.ok()) return std::nullopt;
  return timestamp(chrono::sys_days(day)) + chrono::hours(read.tm_hour) + chrono::minutes(read.tm_min) +
         chrono::seconds(read.tm_sec);
}

}  // namespace

std::optional<timestamp> parse_date(std::string_view text) {
  if (text.size() > longest) return std::nullopt;
  for (const char* format : formats) {
    // A text that ends too early is not a failure to get_time(); the mark behind it is one.
    std::istringstream in{std::string(text) + end_mark};
    in.imbue(std::locale::classic());
    std::tm read{};
    in >> std::get_time(&read, format);
    if (in.fail() || in.get() != end_mark) continue;
    if (in.peek() != std::istringstream::traits_type::eof()) continue;
    return to_time(read);
  }
  return std::nullopt;
}

}  // namespace mcpstate::http
