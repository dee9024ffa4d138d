// SPDX-License-Identifier: MIT
// What the library itself spends on the hot paths, without a server: reading replies, checking a tool list, reading and
// writing a record's :info. bench_micro --benchmark_filter=…
#include <benchmark/benchmark.h>

#include <mcpstate/core/record.hpp>
#include <mcpstate/core/tools.hpp>

#include <string>

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

}  // namespace
}  // namespace mcpstate
