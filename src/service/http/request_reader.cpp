// SPDX-License-Identifier: MIT
#include "service/http/request_reader.hh"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>

#include "core/text/ascii.hh"

namespace mcpstate::service {
namespace {

namespace http = boost::beast::http;
using error_code = boost::system::error_code;
using text = boost::beast::string_view;

// The last chunk. Beast (1.81) fails an assertion of its own when it is given these bytes again with one byte more.
constexpr std::string_view last_chunk = "0\r\n";

std::string copy(text view) { return std::string(view.data(), view.size()); }

bool is_plain_number(text value) {
  return !value.empty() && value.size() <= 18 &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Whether the first line ends with a version of HTTP, one that is not spoken here.
bool has_version(std::string_view head) {
  const auto line = head.substr(0, head.find("\r\n"));
  constexpr std::size_t size = 8;  // of HTTP/1.1
  if (line.size() < size) return false;
  const auto version = line.substr(line.size() - size);
  if (version == "HTTP/1.1" || version == "HTTP/1.0") return false;
  return version.starts_with("HTTP/") && is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
}

}  // namespace

// Beast's parser, which writes into the request. `kind` and `fault` say what this class itself has refused.
class request_reader::message final : public http::basic_parser<true> {
 public:
  message(http_request& request, std::size_t head_limit) : parsed(request) {
    eager(false);
    header_limit(static_cast<std::uint32_t>(head_limit));
    body_limit(boost::none);
  }

  http_request& parsed;
  std::size_t body_limit_bytes = 0, fields = 0, head_bytes = 0;
  bool has_length = false, has_coding = false;
  problem_kind kind = problem_kind::bad_request;
  std::string fault;

 private:
  void refuse(problem_kind refused, std::string detail, error_code& ec) {
    kind = refused;
    fault = std::move(detail);
    ec = http::error::bad_field;
  }

  void on_request_impl(http::verb, text method, text target, int version, error_code& ec) override {
    parsed.method = method_of(std::string_view(method.data(), method.size()));
    parsed.target = copy(target);
    parsed.version = static_cast<unsigned>(version);
    if (target.size() > 8 * 1024) refuse(problem_kind::uri_too_long, "the target is longer than 8 KiB", ec);
  }
  void on_response_impl(int, text, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}
  void on_finish_impl(error_code&) override {}
  std::size_t on_body_impl(text part, error_code& ec) override {
    if (parsed.body.size() + part.size() > body_limit_bytes) {
      refuse(problem_kind::too_large, "the body is larger than " + std::to_string(body_limit_bytes) + " bytes", ec);
      return part.size();
    }
    parsed.body.append(part.data(), part.size());
    return part.size();
  }
  std::size_t on_chunk_body_impl(std::uint64_t, text part, error_code& ec) override { return on_body_impl(part, ec); }

  void store_once(std::optional<std::string>& out, std::string_view name, text value, error_code& ec) {
    if (out) return refuse(problem_kind::bad_request, "the field " + std::string(name) + " occurs twice", ec);
    out = copy(value);
  }
  static void append_value(std::optional<std::string>& out, text value) {
    if (out) {
      out->append(", ").append(value.data(), value.size());
    } else {
      out = copy(value);
    }
  }

  void on_field_impl(http::field name, text name_text, text value, error_code& ec) override {
    if (++fields > max_fields)
      return refuse(problem_kind::header_too_large, "more than " + std::to_string(max_fields) + " fields", ec);
    if (!is_header_done()) store_field(name, name_text, value, ec);  // trailers are ignored
  }

  // Fields that Beast has no number for.
  void store_by_name(text name, text value, error_code& ec) {
    if (boost::beast::iequals(name, "X-Request-Id")) return store_once(parsed.request_id, "X-Request-Id", value, ec);
    if (boost::beast::iequals(name, "Sec-Fetch-Site")) return store_once(parsed.fetch_site, "Sec-Fetch-Site", value, ec);
    if (boost::beast::iequals(name, "Sec-Fetch-Mode")) return store_once(parsed.fetch_mode, "Sec-Fetch-Mode", value, ec);
    if (boost::beast::iequals(name, "Sec-Fetch-Dest")) return store_once(parsed.fetch_dest, "Sec-Fetch-Dest", value, ec);
  }

  void store_field(http::field name, text name_text, text value, error_code& ec) {
    switch (name) {
      case http::field::content_length:
        if (has_length) return refuse(problem_kind::bad_request, "the field Content-Length occurs twice", ec);
        has_length = true;
        if (!is_plain_number(value))
          return refuse(problem_kind::bad_request, "the Content-Length is no number of bytes", ec);
        return;
      case http::field::transfer_encoding:
        has_coding = true;
        if (parsed.version < 11) return refuse(problem_kind::bad_request, "HTTP/1.0 has no Transfer-Encoding", ec);
        if (boost::beast::iequals(value, "chunked")) return;
        return refuse(problem_kind::bad_request, "the only transfer coding is chunked", ec);
      case http::field::host:
        return store_once(parsed.host, "Host", value, ec);
      case http::field::authorization:
        return store_once(parsed.authorization, "Authorization", value, ec);
      case http::field::content_type:
        return store_once(parsed.content_type, "Content-Type", value, ec);
      case http::field::origin:
        return store_once(parsed.origin, "Origin", value, ec);
      case http::field::expect:
        return store_once(parsed.expect, "Expect", value, ec);
      case http::field::access_control_request_method:
        return store_once(parsed.preflight_method, "Access-Control-Request-Method", value, ec);
      case http::field::if_match:
        return append_value(parsed.if_match, value);
      case http::field::if_none_match:
        return append_value(parsed.if_none_match, value);
      case http::field::content_range:
        parsed.has_range = true;
        return;
      case http::field::content_encoding:
        return refuse(problem_kind::media_type, "bodies are sent without a Content-Encoding", ec);
      default:
        store_by_name(name_text, value, ec);
    }
  }
};

request_reader::request_reader(std::size_t head_limit) : head_limit_(head_limit) {}
request_reader::~request_reader() = default;

void request_reader::feed(std::string_view bytes) {
  pending_.append(bytes);
  advance();
}

void request_reader::read_body(std::size_t limit) {
  body_limit_ = limit;
  message_->body_limit_bytes = limit;
  const auto length = request_.content_length;
  if (length && *length > limit)
    return refuse(problem_kind::too_large, "the body is larger than " + std::to_string(limit) + " bytes");
  // A length alone must cost nothing: what is larger grows as it arrives.
  constexpr std::uint64_t reserved = 64UL * 1024;
  if (length && has_more()) request_.body.reserve(std::min(*length, reserved));
  stage_ = message_->is_done() ? stage::done : stage::body;
  advance();
}

http_request request_reader::take() {
  http_request out = std::move(request_);
  request_ = http_request();
  message_.reset();
  stage_ = stage::idle;
  advance();
  return out;
}

void request_reader::advance() {
  while (stage_ == stage::idle || stage_ == stage::head || stage_ == stage::body) {
    // RFC 9112, 2.2: empty lines before a request are passed over.
    while (stage_ == stage::idle && unread().starts_with("\r\n")) used_ += 2;
    if (unread().empty() || (stage_ == stage::idle && unread() == "\r") || needs_another_byte()) break;
    if (!put_once()) break;
  }
  if (!has_more() && pending_.capacity() > head_limit_) {
    pending_ = std::string();
  } else {
    pending_.erase(0, used_);
  }
  used_ = 0;
}

// False: more bytes are needed, or the reader is broken.
bool request_reader::put_once() {
  if (!message_) message_ = std::make_unique<message>(request_, head_limit_);
  if (stage_ == stage::idle) stage_ = stage::head;
  error_code ec;
  const auto body_before = request_.body.size();
  const auto used = message_->put(boost::asio::buffer(unread().data(), unread().size()), ec);
  used_ += used;
  const bool wants_more = ec == http::error::need_more;
  // The size of a line between two chunks, or of the trailers, complete or not.
  const auto framing = (wants_more ? unread().size() : used) - (wants_more ? 0 : request_.body.size() - body_before);
  if (stage_ == stage::body && (wants_more || !ec) && framing > head_limit_) {
    refuse(problem_kind::bad_request, "the body has an endless line between its chunks");
    return false;
  }
  if (wants_more) return false;
  if (ec) {
    refuse_code(ec.value());
    return false;
  }
  if (stage_ == stage::head) {
    // Beast applies its limit to the request line and to the fields separately when they arrive together.
    message_->head_bytes += used;
    if (message_->head_bytes > head_limit_) refuse_code(static_cast<int>(http::error::header_limit));
  }
  if (stage_ == stage::head && message_->is_header_done()) {
    finish_head();
  } else if (stage_ == stage::body && message_->is_done()) {
    stage_ = stage::done;
  }
  return stage_ != stage::broken;
}

bool request_reader::needs_another_byte() const noexcept {
  return stage_ == stage::body && unread().size() == last_chunk.size() + 1 && unread().starts_with(last_chunk);
}

void request_reader::finish_head() {
  request_.keep_alive = message_->keep_alive();
  if (message_->has_length) request_.content_length = message_->content_length().value_or(0);
  request_.has_body = !message_->is_done();
  stage_ = stage::headed;
}

void request_reader::refuse(problem_kind kind, std::string detail) {
  fault_.emplace(kind, std::move(detail));
  stage_ = stage::broken;
}

void request_reader::refuse_code(int beast_code) {
  const auto code = static_cast<http::error>(beast_code);
  if (!message_->fault.empty()) return refuse(message_->kind, message_->fault);
  if (code == http::error::header_limit)
    return refuse(problem_kind::header_too_large, "the head is larger than " + std::to_string(head_limit_) + " bytes");
  if (code == http::error::bad_version)
    return refuse(has_version(unread()) ? problem_kind::unsupported_version : problem_kind::bad_request,
                  "the version is not HTTP/1.1 or HTTP/1.0");
  if (message_->has_length || message_->has_coding) {
    if (code == http::error::bad_content_length || code == http::error::bad_transfer_encoding)
      return refuse(problem_kind::bad_request, "Content-Length and Transfer-Encoding contradict each other");
  }
  refuse(problem_kind::bad_request, "this is not HTTP: " + http::make_error_code(code).message());
}

}  // namespace mcpstate::service
