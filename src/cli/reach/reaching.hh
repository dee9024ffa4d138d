// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/mcp/client.hpp>

#include "cli/reach/run.hh"
#include "cli/words/arguments.hh"

// How commands reach MCP servers: where one is, by the command line or by its record; what earlier connections found out;
// and what a person sees meanwhile and afterwards.
namespace mcpstate::cli {

inline constexpr std::size_t max_said_bytes = 1000;  // of what a server said, in a line or in a record

// URL, or the command after --, with --header, --env and --cwd: exactly one of the two.
[[nodiscard]] result<mcp::target> target_of(const arguments& args);
// --protocol and --ca-file, and who we are.
[[nodiscard]] result<mcp::client_options> client_options_of(const arguments& args);

// What the command line adds to a record that says where its server is.
struct record_words {
  record_words() {}
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<mcp::stdio_target> program;  // never stored, so it is said again each time
  mcp::client_options options;
};
[[nodiscard]] result<record_words> record_words_of(const arguments& args);
// bad_argument when the two do not fit: no command for a stdio server, or one for a server with a URL. no_record for a
// connection that its owner has ended.
[[nodiscard]] result<mcp::target> target_of(const connection& record, const record_words& words);

// Lets the client begin with the protocol that the record says the server spoke, if that was found out less than a day ago;
// it looks again by itself when that is no longer so. Nothing if the record is about another server.
void remember(mcp::client_options& options, const mcp::target& where, const std::optional<connection>& record,
              timestamp now);

// A line on standard error with the seconds that something takes; from the first full second on, and on a terminal only.
// Await stop() before destroying.
class status_line {
 public:
  status_line(context& ctx, std::string text);
  void say(std::string text);
  // Off while something else is on the screen that must not be written over.
  void hold(bool on);
  asio::awaitable<void> stop();

 private:
  asio::awaitable<void> run();
  void show();

  terminal& screen_;
  std::string text_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  bool held_ = false, shown_ = false;
  aio::task_group group_;
};

// A server that answered, and its tools. Its client is to be closed.
struct opened_server {
  opened_server() {}
  mcp::server_facts facts;
  mcp::tool_listing listing;
  std::unique_ptr<mcp::client> client;
};
// Connects and lists the tools, with a status line. Nothing is left behind on failure.
task<opened_server> open_and_list(context& ctx, mcp::target where, mcp::client_options options, std::string name);

// Puts what the handshake told into what is known about a connection; it is no failure any more.
void note_facts(details& info, const mcp::server_facts& facts);

// "connecting to github failed: …; what to do (it says: …)"
[[nodiscard]] std::string line_of_failure(const std::string& what, const error& why);
// What to do about a server that failed, or null.
[[nodiscard]] const char* advice_about_server(errc code) noexcept;
// Tells which tools were left out of a list, and why.
void note_dropped(terminal& screen, const std::vector<std::string>& dropped);

}  // namespace mcpstate::cli
