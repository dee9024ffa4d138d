// SPDX-License-Identifier: MIT
#include "archive/section.hh"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "archive/numbers.hh"
#include "core/text/printable.hh"

namespace mcpstate::archive {

namespace {

// A byte that is no ASCII, line ends that a transfer as text would change, and an end of file for DOS.
constexpr std::string_view magic("\x89mcps\r\n\x1a", 8);
constexpr std::uint32_t as_it_is = 0, compressed = 1;  // how a body stands in the file

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<z_size_t>(bytes.size())));
}

struct known_magic {
  std::string_view bytes;
  const char* what;
};
// What people name by mistake.
constexpr known_magic others[] = {{"REDIS0", "a dump of Redis (RDB)"},
                                  {"VALKEY0", "a dump of Valkey (RDB)"},
                                  {"SQLite format 3", "an SQLite file; name it as --store sqlite:PATH"},
                                  {"\x1f\x8b", "a gzip file; unpack it first"},
                                  {"\x28\xb5\x2f\xfd", "a zstd file; unpack it first"},
                                  {"PK\x03\x04", "a zip archive; unpack it first"},
                                  {"{", "JSON"},
                                  {"[", "JSON"}};

std::string no_backup(std::string_view begin) {
  std::string out = "this is no backup of mcpstate";
  for (const auto& other : others) {
    if (begin.starts_with(other.bytes)) return out.append("; it begins like ").append(other.what);
  }
  return out;
}

}  // namespace

std::string type_text(std::string_view type) {
  if (type == head_section) return "head";
  if (type == records_section) return "records";
  if (type == end_section) return "end";
  return "'" + printable(std::string(type)) + "'";
}

struct section_writer::deflater {
  deflater() {
    if (deflateInit(&stream, Z_BEST_SPEED) != Z_OK) throw std::bad_alloc();
  }
  ~deflater() { deflateEnd(&stream); }
  deflater(const deflater&) = delete;
  deflater& operator=(const deflater&) = delete;

  std::string deflated(std::string_view bytes) {
    deflateReset(&stream);
    std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
    // zlib reads from it only; its interface is older than const.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(out.size() - stream.avail_out);
    return out;
  }

  z_stream stream{};
};

section_writer::section_writer() : deflater_(std::make_unique<deflater>()) {}
section_writer::~section_writer() = default;

std::string section_writer::preamble() {
  std::string out(magic);
  append_number(out, format_version);
  append_number(out, checksum(out));
  return out;
}

std::string section_writer::next(std::string_view type, std::string_view body) {
  const std::string packed = deflater_->deflated(body);
  const bool smaller = packed.size() < body.size();
  const std::string_view stored = smaller ? std::string_view(packed) : body;
  std::string out;
  out.reserve(section_head_bytes + stored.size());
  out.append(type.substr(0, 4));
  append_number(out, number_++);
  append_number(out, smaller ? compressed : as_it_is);
  append_number(out, static_cast<std::uint32_t>(body.size()));
  append_number(out, static_cast<std::uint32_t>(stored.size()));
  append_number(out, checksum(stored));
  append_number(out, checksum(out));
  return out.append(stored);
}

void section_reader::feed(std::string_view bytes) { buffer_.append(bytes); }

void section_reader::consume(std::size_t bytes) {
  buffer_.erase(0, bytes);
  offset_ += bytes;
}

error section_reader::damaged(std::string_view what) const {
  std::string text = "damaged at byte " + std::to_string(offset_);
  if (begun_) text += ", in section " + std::to_string(number_);
  return error(errc::bad_backup, text.append(": ").append(what));
}

result<std::optional<section>> section_reader::next() {
  if (failure_) return *failure_;
  result<std::optional<section>> out = std::optional<section>();
  if (!begun_) {
    auto begun = take_preamble();
    if (!begun) out = begun.error();
  }
  if (out && begun_) out = take_section();
  if (!out) failure_ = out.error();
  return out;
}

// False: more bytes are needed.
result<bool> section_reader::take_preamble() {
  const auto size = std::min(buffer_.size(), magic.size());
  if (std::string_view(buffer_).substr(0, size) != magic.substr(0, size)) return error(errc::bad_backup, no_backup(buffer_));
  if (buffer_.size() < preamble_bytes) return false;
  const std::string_view bytes(buffer_);
  if (checksum(bytes.substr(0, 12)) != number_at<std::uint32_t>(bytes.substr(12)))
    return damaged("the checksum of its first bytes does not fit");
  const auto version = number_at<std::uint32_t>(bytes.substr(8));
  if (version > format_version)
    return error(errc::bad_backup, "written by a newer mcpstate (format " + std::to_string(version) + ", this one reads " +
                                       std::to_string(format_version) + "); update mcpstate");
  if (version == 0) return damaged("it has no format");
  begun_ = true;
  consume(preamble_bytes);
  return true;
}

result<std::optional<section>> section_reader::take_section() {
  if (ended_) {
    if (buffer_.empty()) return std::optional<section>();
    return damaged("more bytes follow its end");
  }
  if (buffer_.size() < section_head_bytes) return std::optional<section>();
  const std::string head = buffer_.substr(0, section_head_bytes);
  std::string_view rest = head;
  rest.remove_prefix(section_head_bytes - 4);
  if (checksum(std::string_view(head).substr(0, section_head_bytes - 4)) != number_at<std::uint32_t>(rest))
    return damaged("the checksum of the section's head does not fit");
  const auto raw = number_at<std::uint32_t>(std::string_view(head).substr(12));
  const auto stored = number_at<std::uint32_t>(std::string_view(head).substr(16));
  if (number_at<std::uint32_t>(std::string_view(head).substr(4)) != number_)
    return damaged("a section is missing before it");
  if (raw > max_body_bytes || stored > max_stored_bytes) return damaged("the section is larger than any may be");
  const std::size_t whole = section_head_bytes + stored;
  if (buffer_.size() < whole) {
    buffer_.reserve(whole);
    return std::optional<section>();
  }
  MCPSTATE_TRY(found, open_section(head, std::string_view(buffer_).substr(section_head_bytes, stored)));
  consume(whole);
  ++number_;
  ended_ = found.type == end_section;
  return std::optional<section>(std::move(found));
}

result<section> section_reader::open_section(std::string_view head, std::string_view stored) const {
  if (checksum(stored) != number_at<std::uint32_t>(head.substr(20)))
    return damaged("the checksum of the section does not fit");
  section out;
  out.type = head.substr(0, 4);
  out.number = number_;
  out.offset = offset_;
  const auto encoding = number_at<std::uint32_t>(head.substr(8));
  const std::size_t raw = number_at<std::uint32_t>(head.substr(12));
  if (encoding == as_it_is) {
    if (raw != stored.size()) return damaged("the section has two lengths");
    out.body = stored;
    return out;
  }
  if (encoding != compressed) return damaged("the section is compressed in an unknown way");
  out.body.resize(raw);
  auto size = static_cast<uLongf>(raw);
  auto taken = static_cast<uLong>(stored.size());
  const int status =
      uncompress2(reinterpret_cast<Bytef*>(out.body.data()), &size, reinterpret_cast<const Bytef*>(stored.data()), &taken);
  if (status == Z_MEM_ERROR) throw std::bad_alloc();
  if (status != Z_OK || size != raw || taken != stored.size()) return damaged("the section cannot be decompressed");
  return out;
}

result<void> section_reader::finish() const {
  if (failure_) return *failure_;
  if (ended_ && buffer_.empty()) return result<void>();
  if (offset_ == 0 && buffer_.empty()) return error(errc::bad_backup, "it is empty");
  return error(errc::bad_backup, "cut off at byte " + std::to_string(offset_ + buffer_.size()) + ", in section " +
                                     std::to_string(number_) + "; its end is missing");
}

}  // namespace mcpstate::archive
