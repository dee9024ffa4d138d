// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

// The container of a backup: a preamble, then sections, of which the last is the end. docs/backup.md has every byte. Each section
// has a type, its place in the order, and checksums of its head and of its body, so that what is cut off, changed or moved shows. A
// section of an unknown type can be passed over.
//
// Pure. Values and objects are for one thread at a time; functions throw only std::bad_alloc.
namespace mcpstate::archive {

inline constexpr std::uint32_t format_version = 1;
inline constexpr std::size_t preamble_bytes = 16;
inline constexpr std::size_t section_head_bytes = 28;
// Of one body, before it is compressed: the largest record fits. And as it stands in the file.
inline constexpr std::size_t max_body_bytes = std::size_t{20} * 1024 * 1024;
inline constexpr std::size_t max_stored_bytes = max_body_bytes + std::size_t{1024} * 1024;

// Types are four ASCII characters.
inline constexpr std::string_view head_section = "HEAD";
inline constexpr std::string_view records_section = "RECS";
inline constexpr std::string_view end_section = "END.";

// "records"; an unknown type as it is, made printable.
[[nodiscard]] std::string type_text(std::string_view type);

struct section {
  section() {}
  std::string type;
  std::uint32_t number = 0;  // from 0
  std::uint64_t offset = 0;  // where its head begins
  std::string body;          // as it was before it was compressed
};

// Makes the bytes of a file, piece by piece.
class section_writer {
 public:
  section_writer();
  ~section_writer();
  section_writer(const section_writer&) = delete;
  section_writer& operator=(const section_writer&) = delete;

  [[nodiscard]] static std::string preamble();
  // The next section. body: at most max_body_bytes.
  [[nodiscard]] std::string next(std::string_view type, std::string_view body);
  [[nodiscard]] std::uint32_t count() const noexcept { return number_; }

 private:
  struct deflater;
  std::unique_ptr<deflater> deflater_;
  std::uint32_t number_ = 0;
};

// Takes the bytes of a file as they come, and answers its sections. What is wrong is bad_backup, with the byte and the section; the
// same answer is given from then on.
class section_reader {
 public:
  void feed(std::string_view bytes);
  // Absent: more bytes are needed.
  [[nodiscard]] result<std::optional<section>> next();
  // Whether the input could end here: behind the end section, and nothing else.
  [[nodiscard]] result<void> finish() const;
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  // How many bytes were taken in whole sections.
  [[nodiscard]] std::uint64_t position() const noexcept { return offset_; }

 private:
  [[nodiscard]] result<bool> take_preamble();
  [[nodiscard]] result<std::optional<section>> take_section();
  [[nodiscard]] result<section> open_section(std::string_view head, std::string_view stored) const;
  [[nodiscard]] error damaged(std::string_view what) const;
  void consume(std::size_t bytes);

  std::string buffer_;
  std::uint64_t offset_ = 0;
  std::uint32_t number_ = 0;
  bool begun_ = false, ended_ = false;
  std::optional<error> failure_;
};

}  // namespace mcpstate::archive
