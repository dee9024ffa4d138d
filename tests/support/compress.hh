// SPDX-License-Identifier: MIT
#pragma once
#include <zlib.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/turns/outside_turns.hh"

// What a server does to a body before it says Content-Encoding.
namespace mcpstate::test {

enum class format { gzip = 15 + 16, zlib = 15 };

// The parts one after the other, each flushed, as a server does with events; the stream is whole at the end.
inline std::string compress(const std::vector<std::string>& parts, format how = format::gzip) {
  const outside_turns own;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, static_cast<int>(how), 9, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib");
  }
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::string in = parts[i];
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    do {
      char piece[4096];
      stream.next_out = reinterpret_cast<Bytef*>(piece);
      stream.avail_out = sizeof piece;
      deflate(&stream, i + 1 == parts.size() ? Z_FINISH : Z_SYNC_FLUSH);
      out.append(piece, sizeof piece - stream.avail_out);
    } while (stream.avail_out == 0);
  }
  deflateEnd(&stream);
  return out;
}

inline std::string compress(std::string_view text, format how = format::gzip) {
  return compress(std::vector<std::string>(1, std::string(text)), how);
}

// A gzip stream that goes on: what each text adds to it.
class gzip_stream {
 public:
  gzip_stream() {
    if (deflateInit2(&stream_, Z_BEST_COMPRESSION, Z_DEFLATED, static_cast<int>(format::gzip), 9, Z_DEFAULT_STRATEGY) !=
        Z_OK)
      throw std::runtime_error("zlib");
  }
  ~gzip_stream() { deflateEnd(&stream_); }
  gzip_stream(const gzip_stream&) = delete;
  gzip_stream& operator=(const gzip_stream&) = delete;

  // Bytes of the text, and of those that were held back; all of them when it is flushed.
  std::string add(std::string text, bool flushed = true) {
    std::string out;
    pass(text, flushed ? Z_SYNC_FLUSH : Z_NO_FLUSH, out);
    return out;
  }

  // What is left of it; nothing is added any more.
  std::string finish() {
    std::string out, nothing;
    pass(nothing, Z_FINISH, out);
    return out;
  }

 private:
  void pass(std::string& text, int flush, std::string& out) {
    stream_.next_in = reinterpret_cast<Bytef*>(text.data());
    stream_.avail_in = static_cast<uInt>(text.size());
    do {
      char piece[4096];
      stream_.next_out = reinterpret_cast<Bytef*>(piece);
      stream_.avail_out = sizeof piece;
      deflate(&stream_, flush);
      out.append(piece, sizeof piece - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  z_stream stream_{};
};

}  // namespace mcpstate::test
