// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/mcp/host.hpp>

// A host that offers what a test wants, answers as it is told, and remembers what it heard.
namespace mcpstate::test {

class recording_host final : public mcp::host {
 public:
  explicit recording_host(std::string declared = "{}") : declared_(std::move(declared)) {}

  std::function<result<std::string>(const std::string& method, const std::string& params)> reply;
  bool thinks = false;  // for ever, until the question is taken back
  std::vector<std::string> asked, changed, heard;
  std::vector<error> lost;
  int taken_back = 0;

  [[nodiscard]] long changes_of(const std::string& what) const { return std::count(changed.begin(), changed.end(), what); }

  [[nodiscard]] std::string capabilities() const override { return declared_; }
  task<std::string> answer(std::string method, std::string params) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    asked.push_back(method + " " + params);
    if (!thinks) co_return reply(method, params);
    const bool over = co_await aio::wait_until(aio::deadline::max());
    if (!over) ++taken_back;
    co_return error(errc::stopped, "taken back");
  }
  void told_list_changed(std::string_view what) override { changed.emplace_back(what); }
  void told(const std::string& method, const std::string& params) override { heard.push_back(method + " " + params); }
  void told_lost(const error& why) override { lost.push_back(why); }

 private:
  std::string declared_;
};

}  // namespace mcpstate::test
