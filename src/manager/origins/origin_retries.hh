// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <string>

// Who waits for their next attempt at which origin. When one of them succeeds the server is back, and the others need not
// wait for the end of their own back-off. Pure.
namespace mcpstate {

class origin_retries {
  struct waiting;

 public:
  origin_retries();
  ~origin_retries();
  origin_retries(const origin_retries&) = delete;
  origin_retries& operator=(const origin_retries&) = delete;

  // Waits as long as it exists. Outlived by origin_retries.
  class entry {
   public:
    entry(origin_retries& source, std::string origin, std::string owner, std::function<void()> retry);
    ~entry();
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;

   private:
    friend class origin_retries;
    origin_retries& source_;
    std::string origin_, owner_;
    std::function<void()> retry_;
    bool listed_ = true;
    std::list<entry*>::iterator position_;
  };

  // Calls the retry of at most `count` entries of this origin, each once: the owners take turns, and of an owner the one that
  // has waited longest comes first.
  void retry_waiting(const std::string& origin, std::size_t count);
  [[nodiscard]] std::size_t size(const std::string& origin) const;

 private:
  void remove(entry& gone);
  std::map<std::string, waiting> origins_;
};

}  // namespace mcpstate
