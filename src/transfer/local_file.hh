// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "aio/unique_fd.hh"
#include "transfer/byte_stream.hh"

// Backups as files of this machine, and as standard input and output. Errors name the file and are bad_argument (it cannot be
// opened), disk_full or storage_failed.
namespace mcpstate::transfer {

// A file that appears under its name when it is whole: it is written beside, for this user alone (0600), and renamed. What was
// there under that name stays until then. The destructor removes what was not committed.
class output_file final : public byte_sink {
 public:
  // "-": standard output.
  [[nodiscard]] static result<std::unique_ptr<output_file>> open(const std::string& path);
  ~output_file() override;
  output_file(const output_file&) = delete;
  output_file& operator=(const output_file&) = delete;

  [[nodiscard]] result<void> write(std::string_view bytes) override;
  void stop() noexcept override { stopped_ = true; }
  // Makes it last, and gives it its name. Once, last.
  [[nodiscard]] result<void> commit();
  // Whether it is what the last write or commit failed at.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  output_file(std::string path, std::string beside, aio::unique_fd file);
  std::string path_, beside_;  // empty: standard output
  aio::unique_fd file_;
  std::atomic<bool> stopped_ = false, failed_ = false;
};

class input_file final : public byte_source {
 public:
  // "-": standard input.
  [[nodiscard]] static result<std::unique_ptr<input_file>> open(const std::string& path);

  [[nodiscard]] result<std::string> read(std::size_t most) override;
  [[nodiscard]] std::optional<std::uint64_t> size() const override { return size_; }
  void stop() noexcept override { stopped_ = true; }
  // Whether it can be read again from the start: it is a regular file.
  [[nodiscard]] bool can_rewind() const noexcept { return size_.has_value(); }
  [[nodiscard]] result<void> rewind();

 private:
  input_file(std::string name, aio::unique_fd file, std::optional<std::uint64_t> size);
  std::string name_;
  aio::unique_fd file_;
  std::optional<std::uint64_t> size_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace mcpstate::transfer
