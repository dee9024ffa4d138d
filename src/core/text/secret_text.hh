// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <utility>

// Passwords in memory.
namespace mcpstate {

// Overwrites the text, what its buffer has beyond it too, and empties it.
void cleanse(std::string& text) noexcept;

// A text that is overwritten when it goes. A value; use it like the string that it is.
class secret_text {
 public:
  secret_text() {}
  secret_text(std::string text) : text_(std::move(text)) { cleanse(text); }
  secret_text(const char* text) : text_(text) {}
  secret_text(const secret_text&) = default;
  secret_text(secret_text&& other) noexcept : text_(std::move(other.text_)) { cleanse(other.text_); }
  secret_text& operator=(secret_text other) noexcept {
    text_.swap(other.text_);
    return *this;
  }
  ~secret_text() { cleanse(text_); }

  operator const std::string&() const noexcept { return text_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  void clear() noexcept { cleanse(text_); }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace mcpstate
