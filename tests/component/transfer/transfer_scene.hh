// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/open_store.hpp>

#include "support/co_test.hh"
#include "transfer/backup.hh"
#include "transfer/restore.hh"

// Backups in memory, and stores with something in them.
namespace mcpstate::test {

// Takes what is written; fails with disk_full behind `room` bytes.
class text_sink final : public transfer::byte_sink {
 public:
  [[nodiscard]] result<void> write(std::string_view bytes) override {
    if (text.size() + bytes.size() > room) return error(errc::disk_full, "there is no room");
    text.append(bytes);
    return {};
  }
  std::string text;
  std::size_t room = static_cast<std::size_t>(-1);
};

// Gives a text in pieces; fails behind `whole` bytes.
class text_source final : public transfer::byte_source {
 public:
  explicit text_source(std::string_view bytes) : rest_(bytes), size_(bytes.size()) {}
  [[nodiscard]] result<std::string> read(std::size_t most) override {
    if (size_ - rest_.size() >= whole) return error(errc::storage_failed, "the disk is gone");
    std::string out(rest_.substr(0, std::min(most, piece)));
    rest_.remove_prefix(out.size());
    return out;
  }
  [[nodiscard]] std::optional<std::uint64_t> size() const override { return size_; }
  std::size_t piece = 65536, whole = static_cast<std::size_t>(-1);

 private:
  std::string_view rest_;
  std::size_t size_;
};

inline std::string tools_of(const std::string& name, std::size_t size) {
  return " [ {\"name\":\"" + name + "\", \"description\":\"" + std::string(size, 'x') + " é\"} ]";
}

// Owners with records of every status, with names that have to be encoded.
inline task<void> fill(store& to, int owners, int servers, std::size_t tools_size = 200) {
  constexpr status states[] = {status::connected, status::failed, status::disconnected, status::auth_required,
                               status::connecting};
  for (int o = 0; o < owners; ++o) {
    co_await asio::post(asio::use_awaitable);  // each owner is a turn
    auto who = o % 2 == 0 ? owner::user("u:" + std::to_string(o)) : owner::session("s{" + std::to_string(o) + "}");
    for (int s = 0; s < servers; ++s) {
      const auto name = "server " + std::to_string(s) + "*";
      const auto state = states[static_cast<std::size_t>(o + s) % 5];
      change up(*who, server_name::parse(name).value(), state);
      details known;
      known.transport = "http";
      known.url = "https://example.org/" + std::to_string(s);
      known.capabilities = R"({"tools":{"listChanged":true}})";
      up.set_details(known);
      if (state != status::disconnected) up.tools(tools_list::parse(tools_of(name, tools_size)).value());
      MCPSTATE_CO_CHECK(co_await to.put(std::move(up)));
    }
  }
  co_return result<void>();
}

// Everything that a store has, as text to compare. Times of expiry in seconds.
inline task<std::string> contents(store& from) {
  std::set<std::string> lines;
  std::string cursor;
  do {
    MCPSTATE_CO_TRY(page, co_await from.scan(cursor));
    for (const auto& one : page.owners) {
      MCPSTATE_CO_TRY(all, co_await from.list(one.owner, tools_wanted::yes));
      for (const auto& record : *all) {
        auto line = record.owner.text() + " " + record.member + " " + to_json(record) + " tools=";
        line += record.tools ? *record.tools : "-";
        for (const auto& problem : record.problems) line += " ! " + problem;
        lines.insert(std::move(line));
      }
    }
    cursor = page.cursor;
  } while (!cursor.empty());
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  co_return out;
}

inline task<std::string> backup_text(store& from, transfer::backup_request request = transfer::backup_request()) {
  text_sink to;
  MCPSTATE_CO_TRY(done, co_await transfer::write_backup(from, to, std::move(request)));
  if (done.bytes != to.text.size()) co_return error(errc::bug, "it counted other bytes than it wrote");
  co_return std::move(to.text);
}

inline task<transfer::restore_state> restore_text(std::string text, store& to, transfer::restore_request request) {
  text_source from(text);
  co_return co_await transfer::restore_backup(from, to, std::move(request));
}

inline transfer::restore_request to_the_very_time() {
  transfer::restore_request out;
  out.expiry = transfer::restored_expiry::absolute;
  return out;
}

}  // namespace mcpstate::test
