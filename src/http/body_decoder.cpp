// SPDX-License-Identifier: MIT
#include "http/body_decoder.hh"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include "core/text/ascii.hh"
#include "core/text/trimmed.hh"

namespace mcpstate::http {
namespace {

constexpr int window_bits = 15;  // the largest window: zlib format
constexpr int gzip_format = 16;  // added to it: gzip format
constexpr std::size_t least_piece = 1024;
constexpr std::size_t usual_ratio = 4;

error corrupt_body() { return error(errc::protocol, "the server's answer is not compressed as it says"); }

}  // namespace

content_coding content_coding_of(std::string_view header) {
  const std::string name = ascii_lower(trimmed(header, " \t"));
  if (name.empty() || name == "identity") return content_coding::identity;
  if (name == "gzip" || name == "x-gzip") return content_coding::gzip;
  return name == "deflate" ? content_coding::deflate : content_coding::unknown;
}

struct body_decoder::inflater {
  explicit inflater(content_coding coding) : members(coding == content_coding::gzip) {
    const int format = members ? window_bits + gzip_format : window_bits;
    if (inflateInit2(&stream, format) != Z_OK) throw std::bad_alloc();
  }
  ~inflater() { inflateEnd(&stream); }
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;

  // One step; false when only more input helps.
  bool step(std::string_view& input, char* out, std::size_t room, std::size_t& made);

  z_stream stream{};
  const bool members;  // gzip files may stand one after the other
  bool begun = false, ended = false, failed = false;
};

bool body_decoder::inflater::step(std::string_view& input, char* out, std::size_t room, std::size_t& made) {
  if (ended && !input.empty()) {
    failed = !members || inflateReset(&stream) != Z_OK;
    ended = false;
  }
  if (failed || ended) return false;
  begun = begun || !input.empty();
  const std::size_t given = std::min<std::size_t>(input.size(), std::numeric_limits<uInt>::max());
  // zlib reads from it only; its interface is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  stream.avail_in = static_cast<uInt>(given);
  stream.next_out = reinterpret_cast<Bytef*>(out);
  stream.avail_out = static_cast<uInt>(room);
  const int status = inflate(&stream, Z_SYNC_FLUSH);
  input.remove_prefix(given - stream.avail_in);
  made = room - stream.avail_out;
  ended = status == Z_STREAM_END;
  failed = !ended && status != Z_OK && status != Z_BUF_ERROR;
  return !failed && (made > 0 || given > stream.avail_in);
}

body_decoder::body_decoder(content_coding coding) : inflater_(std::make_unique<inflater>(coding)) {}
body_decoder::~body_decoder() = default;

result<std::string> body_decoder::decode(std::string_view& input, std::size_t max_bytes) {
  // Small for small events, of which a caller may keep many.
  const std::size_t likely = std::max(least_piece, std::min(input.size(), max_bytes) * usual_ratio);
  std::string out(std::min(max_bytes, likely), '\0');
  std::size_t filled = 0;
  while (filled < out.size()) {
    std::size_t made = 0;
    const bool more = inflater_->step(input, out.data() + filled, out.size() - filled, made);
    filled += made;
    if (!more) break;
  }
  if (inflater_->failed && filled == 0) return corrupt_body();  // what was good before that comes out first
  out.resize(filled);
  return out;
}

result<void> body_decoder::finish() const {
  if (inflater_->failed) return corrupt_body();
  if (!inflater_->begun || inflater_->ended) return result<void>();
  return error(errc::protocol, "the server's answer is compressed, and its end is missing");
}

}  // namespace mcpstate::http
