// SPDX-License-Identifier: MIT
// What the library itself spends on the hot paths, without a server: reading replies, checking a tool list, reading and
// writing a record's :info, reading an event stream. bench_micro --benchmark_filter=…
#include <benchmark/benchmark.h>

#include <mcpstate/core/record.hpp>
#include <mcpstate/core/tools.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "http/sse_parser.hh"
#include "redis/parser.hh"
#include "redis/reply.hh"

namespace mcpstate {
namespace {

std::string tools_of(std::size_t bytes) {
  std::string out = "[";
  for (int i = 0; out.size() + 400 < bytes; ++i) {
    if (i > 0) out += ',';
    out += R"({"name":"tool_)" + std::to_string(i) + R"(","description":")" + std::string(160, 'd') +
           R"(","inputSchema":{"type":"object","properties":{"path":{"type":"string","description":"where to look"}},)"
           R"("required":["path"]}})";
  }
  return out += ']';
}

details some_details() {
  details info;
  info.last_connected_at = info.checked_at = wall_clock().now();
  info.tool_count = 13;
  info.tools_hash = "sha256:" + std::string(64, 'a');
  return info;
}

std::string some_info(timestamp t) {
  return encode_info(1790000000000000, t, std::nullopt, encode_info_tail(status::connected, t, some_details()));
}

std::string bulk(const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; }

// The reply of SORT_RO for five records.
std::string list_reply(std::size_t bytes) {
  const timestamp t = wall_clock().now();
  std::string out = "*25\r\n";
  for (const char* name : {"github", "linear", "notion", "sentry", "slack"})
    out += bulk(name) + bulk("CONNECTED") + bulk(to_iso8601(t)) + bulk(some_info(t)) + bulk(tools_of(bytes));
  return out;
}

void parse_list_reply(benchmark::State& state) {
  const std::string stream = list_reply(static_cast<std::size_t>(state.range(0)));
  redis::parser parser(redis::parser::limits{});
  for (auto _ : state) {
    std::string_view in = stream;
    if (parser.feed(in) != redis::parser::status::ready) state.SkipWithError("not ready");
    benchmark::DoNotOptimize(parser.take());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(stream.size()) * state.iterations());
}
BENCHMARK(parse_list_reply)->Arg(4096)->Arg(20480);

void check_tools(benchmark::State& state) {
  const std::string bytes = tools_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(tools_list::parse(bytes));
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes.size()) * state.iterations());
}
BENCHMARK(check_tools)->Arg(4096)->Arg(20480);

void read_info(benchmark::State& state) {
  const std::string info = some_info(wall_clock().now());
  for (auto _ : state) benchmark::DoNotOptimize(decode_info(info));
}
BENCHMARK(read_info);

void write_info(benchmark::State& state) {
  const details info = some_details();
  const timestamp t = *info.checked_at;
  for (auto _ : state) benchmark::DoNotOptimize(encode_info_tail(status::connected, t, info));
}
BENCHMARK(write_info);

void read_one_record(benchmark::State& state) {
  const timestamp t = wall_clock().now();
  const owner who = owner::user("42").value();
  const auto tools = std::make_shared<const std::string>(tools_of(4096));
  const std::string info = some_info(t), at = to_iso8601(t);
  for (auto _ : state) {
    raw_record raw;
    raw.member = "github";
    raw.status = "CONNECTED";
    raw.connected_at = at;
    raw.info = info;
    raw.tools = tools;
    raw.tools_asked = true;
    benchmark::DoNotOptimize(read_record(who, std::move(raw)));
  }
}
BENCHMARK(read_one_record);

// One megabyte of events with a line of data each, as a socket hands them over.
constexpr std::size_t socket_piece = 65536;

std::string event_stream(std::size_t data_bytes) {
  std::string out;
  while (out.size() < 1'000'000) out += "event: message\ndata: " + std::string(data_bytes, 'd') + "\n\n";
  return out;
}

void read_events(benchmark::State& state) {
  const std::string stream = event_stream(static_cast<std::size_t>(state.range(0)));
  http::sse_parser parser(1U << 20U);
  const auto take = [](http::sse_event event) {
    benchmark::DoNotOptimize(event);
    return result<void>();
  };
  for (auto _ : state) {
    for (std::string_view rest = stream; !rest.empty(); rest.remove_prefix(std::min(socket_piece, rest.size())))
      benchmark::DoNotOptimize(parser.feed(rest.substr(0, socket_piece), take));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(stream.size()) * state.iterations());
}
BENCHMARK(read_events)->Arg(1024)->Arg(20480);

// The least anybody can do: find the ends of the lines of the same bytes.
void find_line_feeds(benchmark::State& state) {
  const std::string stream = event_stream(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    std::size_t lines = 0;
    const char* const end = stream.data() + stream.size();
    for (const char* at = stream.data(); at != end; ++lines) {
      const void* const found = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
      at = found == nullptr ? end : static_cast<const char*>(found) + 1;
    }
    benchmark::DoNotOptimize(lines);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(stream.size()) * state.iterations());
}
BENCHMARK(find_line_feeds)->Arg(1024)->Arg(20480);

}  // namespace
}  // namespace mcpstate
