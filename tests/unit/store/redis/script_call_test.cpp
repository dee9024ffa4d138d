// SPDX-License-Identifier: MIT
#include "store/redis/script_call.hh"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace mcpstate {
namespace {

using redis_scripts::all_scripts;
using redis_scripts::script_id;
using redis_scripts::script_of;

std::string bulk(std::string_view bytes) {
  return "$" + std::to_string(bytes.size()) + "\r\n" + std::string(bytes) + "\r\n";
}

TEST(ScriptCall, CountsItsDeclaredKeys) {
  const auto keys = key_space::make().value();
  const owner who = owner::user("42").value();
  script_call call(script_id::touch);
  call.argument(std::chrono::milliseconds(1500)).argument(7u).argument("all");
  call.key(keys.connections(who)).key(keys.servers(who)).member(keys, who, "github");
  redis::request sent;
  call.append_to(sent, script_call::form::evalsha);
  const std::string base = "mcp:user:42:server:github:";
  std::string expected = "*13\r\n" + bulk("EVALSHA") + bulk(script_of(script_id::touch).sha1) + bulk("6");
  for (const char* set : {"connections", "servers"}) expected += bulk("mcp:user:42:" + std::string(set));
  for (const char* field : {"status", "tools", "connected_at", "info"}) expected += bulk(base + field);
  for (const char* argument : {"1500", "7", "all", "github"}) expected += bulk(argument);
  EXPECT_EQ(sent.bytes(), expected);
}

TEST(ScriptCall, SendsTheTextOfAnUnknownScript) {
  script_call call(script_id::unheld);
  call.key("k").argument(16);
  redis::request sent;
  call.append_to(sent, script_call::form::eval);
  EXPECT_EQ(sent.bytes(),
            "*5\r\n" + bulk("EVAL") + bulk(script_of(script_id::unheld).text) + bulk("1") + bulk("k") + bulk("16"));
}

TEST(ScriptCall, TellsAnAbsentValueFromAnEmptyOne) {
  script_call call(script_id::put);
  call.expected(std::nullopt).expected(std::string()).expected(std::string("-"));
  redis::request sent;
  call.append_to(sent, script_call::form::evalsha);
  EXPECT_TRUE(sent.bytes().ends_with(bulk("0") + bulk("-") + bulk("+") + bulk("+-")));
}

redis::reply list_of(const std::vector<std::string>& words) {
  redis::reply out;
  out.kind = redis::reply::type::array;
  for (const auto& word : words) {
    redis::reply item;
    item.kind = redis::reply::type::string;
    item.text = word;
    out.items.push_back(std::move(item));
  }
  return out;
}

TEST(ScriptCall, ReadsWhichMembersToDeclare) {
  EXPECT_EQ(undeclared_members(list_of({"members", "a", "members"})), (std::vector<std::string>{"a", "members"}));
  EXPECT_TRUE(undeclared_members(list_of({"ok", "a"})).empty());
  EXPECT_TRUE(undeclared_members(list_of({})).empty());
}

TEST(Scripts, BeginWithTheirFlagsAndAreComplete) {
  std::set<std::string> digests;
  for (const auto& script : all_scripts()) {
    EXPECT_TRUE(script.text.starts_with("#!lua\n") || script.text.starts_with("#!lua flags=")) << script.text.substr(0, 40);
    EXPECT_EQ(script.text.find("-- include:"), script.text.npos);
    EXPECT_EQ(script.sha1.size(), 40u);
    digests.insert(script.sha1);
  }
  EXPECT_EQ(digests.size(), 19u);
}

TEST(Scripts, AreFoundByFileName) {
  const auto names_itself = [](script_id id, std::string_view words) {
    EXPECT_NE(script_of(id).text.find(words), std::string_view::npos) << words;
  };
  names_itself(script_id::put, "Writes records of one owner, all or none.");
  names_itself(script_id::disconnect_all, "Writes every record of one owner");
  names_itself(script_id::erase, "Removes everything of an owner.");
  names_itself(script_id::beat, "Takes the report of an instance");
}

}  // namespace
}  // namespace mcpstate
