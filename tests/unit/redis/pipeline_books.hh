// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "redis/pipeline.hh"

// A pipeline whose requests have names, for tests.
namespace mcpstate::redis {

using entry = pipeline::entry;
using time_point = pipeline::time_point;
using std::chrono::seconds;

inline const time_point start = time_point() + seconds(1000);

// Its command is its name.
struct named : entry {
  named(std::string n, int times, time_point until, effect what) : entry(ask(n, times), until, what), name(std::move(n)) {}
  static request ask(const std::string& n, int times) {
    request r;
    for (int i = 0; i < times; ++i) r.add(n);
    return r;
  }
  std::string name;
};

inline reply number(std::int64_t n) {
  reply out;
  out.kind = reply::type::integer;
  out.integer = n;
  return out;
}
inline std::string name(const std::unique_ptr<entry>& e) { return e ? static_cast<named&>(*e).name : "none"; }
inline std::string name(const pipeline::ending& e) { return name(e.caller) + " " + std::string(name_of(e.reason)); }
inline std::vector<std::string> names(const std::vector<pipeline::ending>& all) {
  std::vector<std::string> out;
  for (const pipeline::ending& e : all) out.push_back(name(e));
  return out;
}
using list = std::vector<std::string>;

struct books : pipeline {
  books(std::size_t commands = 100, std::size_t bytes = 10000) : pipeline(commands, bytes) {}
  std::uint64_t ask(const std::string& n, effect kind = effect::read, int commands = 1,
                    time_point until = time_point::max()) {
    return add(std::make_unique<named>(n, commands, until, kind));
  }
  std::string staged() {
    std::string out;
    stage(out);
    return out;
  }
};

}  // namespace mcpstate::redis
