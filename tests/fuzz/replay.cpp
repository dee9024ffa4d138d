// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

// Runs a fuzz target over its corpus without a fuzzer: every file, and every prefix of it, each in a buffer of its exact
// size, so that AddressSanitizer sees the first byte read beyond. Fails when there is nothing to run.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t longest_prefix = 4096;

void run(const std::string& bytes, std::size_t length) {
  const auto exact = std::make_unique<std::uint8_t[]>(length);
  for (std::size_t i = 0; i < length; ++i) exact[i] = static_cast<std::uint8_t>(bytes[i]);
  LLVMFuzzerTestOneInput(exact.get(), length);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::cout << entry.path().filename().string() << std::endl;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    for (std::size_t length = 0; length < bytes.size() && length < longest_prefix; ++length) run(bytes, length);
    run(bytes, bytes.size());
    ++files;
  }
  std::cout << files << " files" << std::endl;
  return files == 0 ? 1 : 0;
}
