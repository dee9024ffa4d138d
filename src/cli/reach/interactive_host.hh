// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <mcpstate/mcp/host.hpp>

#include "aio/event.hh"
#include "cli/reach/elicitation.hh"
#include "cli/view/terminal.hh"

// Lets an MCP server ask the person at the terminal (elicitation with a form).
namespace mcpstate::cli {

// Executor: that of the client it is given to. Lifetime: outlives the client; the terminal outlives it.
class interactive_host final : public mcp::host {
 public:
  // Null where there is nobody to ask: standard input or standard error is no terminal, or it cannot be read. on_question is
  // called with true while a question is on the screen, and with false afterwards. server: what it is called here.
  static std::shared_ptr<interactive_host> make(asio::any_io_executor executor, terminal& screen, std::string server,
                                                std::function<void(bool)> on_question);

  [[nodiscard]] std::string capabilities() const override { return R"({"elicitation":{}})"; }
  // One question after the other. The end of the input (Ctrl-D) cancels it.
  task<std::string> answer(std::string method, std::string params) override;

 private:
  interactive_host(asio::any_io_executor executor, int keyboard, terminal& screen, std::string server,
                   std::function<void(bool)> on_question);
  task<std::string> ask(std::string params);
  task<std::string> fill_in(std::string params, form questions);
  // no_record at the end of the input.
  task<std::string> ask_field(const form_field& field);
  // Absent at the end of the input. stopped when the question is taken back.
  task<std::optional<std::string>> read_line();

  asio::posix::stream_descriptor keyboard_;
  terminal& screen_;
  std::string server_;
  std::function<void(bool)> on_question_;
  std::string typed_;  // and not yet read
  bool asking_ = false;
  aio::event answered_;
};

}  // namespace mcpstate::cli
