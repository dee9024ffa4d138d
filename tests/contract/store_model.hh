// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/store.hpp>

// What a store should answer, in a few maps: written from the documentation, sharing no code with the stores.
namespace mcpstate::test {

struct model_record {
  status state = status::disconnected;
  std::optional<std::string> tools;
  std::string url, error_code;
  std::optional<timestamp> connected_at, last_connected_at, expires_at, latest;
  basis seen;
};

// One random write, as data.
struct model_write {
  owner who;
  std::string server;
  status to = status::connected;
  std::optional<basis> based_on;
  enum class tools_kind { keep, replace, empty, empty_allowed, drop } tools = tools_kind::keep;
  std::string list;  // of replace
  std::optional<std::string> url, error_code;
  bool keep_connected_at = false;
};

class store_model {
 public:
  // now: absent when the store's clock cannot be known exactly; times are then taken over from the store.
  store_model(std::chrono::milliseconds ttl, std::optional<std::chrono::milliseconds> max_lifetime)
      : ttl_(ttl), max_lifetime_(max_lifetime) {}
  std::optional<timestamp> now;

  using key = std::pair<owner, std::string>;
  // The error condition that a write has to meet; absent: it succeeds, and the model holds its outcome.
  std::optional<errc> write(const model_write& w);
  std::uint64_t touch(const owner& who, const std::optional<std::string>& server);
  std::uint64_t disconnect(const owner& who, const std::optional<std::string>& server);
  std::uint64_t erase(const owner& who);
  std::pair<std::vector<std::string>, std::vector<std::string>> claim(const owner& session, const owner& user);

  // What is there, by server name, without what has expired.
  [[nodiscard]] std::map<std::string, model_record> live(const owner& who) const;
  [[nodiscard]] std::optional<model_record> live(const owner& who, const std::string& server) const;
  // Compares what was read with what should be there; takes over the revision, which must have grown if the record was
  // written since it was last adopted, and must not have changed otherwise. Empty: as it should be.
  std::string adopt(const connection& c, bool with_tools);

 private:
  [[nodiscard]] bool is_live(const model_record& r) const { return !now || !r.expires_at || *r.expires_at > *now; }
  void renew(model_record& r);
  void disconnect_one(const key& at);
  std::map<key, model_record> records_;
  std::map<key, std::uint64_t> highest_;  // revisions, never forgotten
  std::map<key, bool> written_;           // since it was last adopted
  std::chrono::milliseconds ttl_;
  std::optional<std::chrono::milliseconds> max_lifetime_;
};

}  // namespace mcpstate::test
