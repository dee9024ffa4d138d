// SPDX-License-Identifier: MIT
#include "http/answer_reader.hh"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace mcpstate::http {
namespace {

namespace beast = boost::beast;
using error_code = boost::system::error_code;
using text = beast::string_view;

constexpr std::string_view protocol_name = "HTTP/1.";
// The last chunk. Beast (1.81) fails an assertion of its own when it sees the chunk again with one more byte. The service's
// request_reader works around the same.
constexpr std::string_view last_chunk = "0\r\n";
constexpr std::string_view tls_alert("\x15\x03", 2);

std::string copy(text what) { return std::string(what.data(), what.size()); }

}  // namespace

// What Beast's parser understands. It can report only errors with codes of its own: why we refuse an answer is in `why`.
class answer_reader::message final : public beast::http::basic_parser<false> {
 public:
  explicit message(std::span<const std::string> wanted) : wanted_(wanted) {
    eager(true);
    header_limit(max_head_bytes);
    body_limit(boost::none);
  }

  http::head head;
  std::string* body = nullptr;  // where feed() puts it
  std::uint64_t body_bytes = 0;
  std::size_t fields = 0;
  bool has_length = false, has_coding = false;
  std::string why;

 private:
  void on_request_impl(beast::http::verb, text, text, int, error_code&) override {}
  void on_response_impl(int code, text, int, error_code& ec) override {
    if (code < 100) ec = beast::http::error::bad_status;
    if (!ec) head.status = static_cast<unsigned>(code);
  }
  void on_field_impl(beast::http::field name, text name_text, text value, error_code& ec) override {
    if (++fields > max_fields) {
      why = "has more than " + std::to_string(max_fields) + " header fields";
      ec = beast::http::error::bad_field;
      return;
    }
    if (!is_header_done()) take(name, name_text, value, ec);  // a trailer adds nothing
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}
  void on_finish_impl(error_code&) override {}
  std::size_t on_body_impl(text part, error_code&) override {
    body->append(part.data(), part.size());
    body_bytes += part.size();
    return part.size();
  }
  std::size_t on_chunk_body_impl(std::uint64_t, text part, error_code& ec) override { return on_body_impl(part, ec); }

  static void first(std::string& out, text value) {
    if (out.empty()) out = copy(value);
  }

  void take(beast::http::field name, text name_text, text value, error_code& ec) {
    switch (name) {
      case beast::http::field::content_length:
        has_length = true;
        return;
      case beast::http::field::transfer_encoding:
        has_coding = true;
        if (beast::iequals(value, "chunked")) return;
        why = "has a transfer coding other than chunked";
        ec = beast::http::error::bad_transfer_encoding;
        return;
      case beast::http::field::content_type:
        return first(head.content_type, value);
      case beast::http::field::content_encoding:
        if (!head.content_encoding.empty()) head.content_encoding += ", ";
        head.content_encoding += copy(value);
        return;
      case beast::http::field::location:
        return first(head.location, value);
      case beast::http::field::retry_after:
        return first(head.retry_after, value);
      case beast::http::field::date:
        return first(head.date, value);
      case beast::http::field::www_authenticate:
        head.www_authenticate.push_back(copy(value));
        return;
      default:
        for (const std::string& each : wanted_) {
          if (beast::iequals(name_text, each)) head.others.emplace_back(each, copy(value));
        }
    }
  }

  std::span<const std::string> wanted_;
};

answer_reader::answer_reader(std::string server, std::span<const std::string> wanted)
    : server_(std::move(server)), wanted_(wanted), message_(std::make_unique<message>(wanted)) {}
answer_reader::~answer_reader() = default;

bool answer_reader::started() const noexcept { return started_; }
bool answer_reader::has_head() const noexcept { return message_->is_header_done() && message_->head.status >= 200; }
bool answer_reader::done() const noexcept { return has_head() && message_->is_done(); }
bool answer_reader::keeps_connection() const noexcept { return done() && message_->keep_alive() && !surplus_; }
const http::head& answer_reader::head() const noexcept { return message_->head; }

result<void> answer_reader::feed(std::string_view bytes, std::string& body) {
  started_ = started_ || !bytes.empty();
  const bool joined = !pending_.empty();
  if (joined) bytes = pending_.append(bytes);
  if (joined && has_head() && bytes.size() == last_chunk.size() + 1 && bytes.starts_with(last_chunk)) return result<void>();
  message_->body = &body;
  while (!bytes.empty() && !message_->is_done()) {
    if (!message_->got_some() || message_->head.status == 0) {
      if (auto http = check_beginning(bytes); !http) return http;
    }
    error_code ec;
    bytes.remove_prefix(message_->put(boost::asio::buffer(bytes.data(), bytes.size()), ec));
    if (ec == beast::http::error::need_more) break;
    if (ec) return refused(ec.value());
    if (!message_->is_done() || has_head()) continue;
    if (auto passed = pass_interim(); !passed) return passed;
    message_->body = &body;
  }
  if (message_->is_done() && !bytes.empty()) surplus_ = true;
  const std::size_t left = surplus_ ? 0 : bytes.size();
  if (left > max_head_bytes)
    return error(errc::too_large, "the answer of " + server_ + " has an endless line between its chunks");
  if (left == 0) {
    pending_ = std::string();
  } else if (joined) {
    pending_.erase(0, pending_.size() - left);
  } else {
    pending_ = bytes;
  }
  return result<void>();
}

// Beast looks at a line only when it is complete. A peer that does not speak HTTP might never complete one.
result<void> answer_reader::check_beginning(std::string_view bytes) const {
  const std::size_t seen = std::min(bytes.size(), protocol_name.size());
  if (bytes.substr(0, seen) == protocol_name.substr(0, seen)) return result<void>();
  if (bytes.starts_with(tls_alert)) return error(errc::protocol, server_ + " speaks TLS: use https://");
  return error(errc::protocol, server_ + " does not speak HTTP: bad version");
}

result<void> answer_reader::pass_interim() {
  const unsigned status = message_->head.status;
  if (status == 101)
    return error(errc::protocol, server_ + " switches to another protocol (HTTP 101), which nobody asked for");
  if (++interim_ > max_interim) return error(errc::protocol, server_ + " sends interim answers (HTTP 1xx) without end");
  message_ = std::make_unique<message>(wanted_);
  return result<void>();
}

error answer_reader::refused(int beast_code) const {
  const auto code = static_cast<beast::http::error>(beast_code);
  if (code == beast::http::error::header_limit) {
    return error(errc::too_large,
                 "the head of the answer of " + server_ + " is larger than " + std::to_string(max_head_bytes) + " bytes");
  }
  const std::string answer = "the answer of " + server_ + " ";
  if (message_->fields > max_fields) return error(errc::too_large, answer + message_->why);
  if (!message_->why.empty()) return error(errc::protocol, answer + message_->why);
  if (message_->head.status == 0) {
    return error(errc::protocol, server_ + " does not speak HTTP: " + beast::http::make_error_code(code).message());
  }
  const bool length_after_coding = code == beast::http::error::bad_content_length && message_->has_coding;
  const bool coding_after_length = code == beast::http::error::bad_transfer_encoding && message_->has_length;
  if (length_after_coding || coding_after_length) {
    return error(errc::protocol, answer + "has both Content-Length and Transfer-Encoding, so nobody can tell where it ends");
  }
  return error(errc::protocol, answer + "is not valid HTTP: " + beast::http::make_error_code(code).message());
}

result<void> answer_reader::end() {
  if (done()) return result<void>();
  if (!has_head()) return cut_off();
  error_code ec;
  message_->put_eof(ec);
  if (ec) return cut_off();
  return result<void>();
}

error answer_reader::cut_off() const {
  std::string how = "it was closed before an answer came";
  if (started_ && !has_head()) how = "it was closed in the head of the answer";
  if (has_head()) {
    const auto left = message_->content_length_remaining();
    how = "it was closed ";
    how += left ? "after " + std::to_string(message_->body_bytes) + " of " + std::to_string(message_->body_bytes + *left) +
                      " bytes"
                : "in the middle of a chunked answer";
  }
  return error(errc::connection_lost, "the connection to " + server_ + " broke: " + how);
}

}  // namespace mcpstate::http
