// The file in which one life of a peer is recorded: written by its process, read by the stage while
// it grows.
//
// Each line is one write() to a file that is only appended to: what was written is there whatever
// becomes of the process. A pipe was rejected: a full one would stop the peer when the stage is
// busy with a server.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "peer/io/descriptor.hpp"
#include "tests/soak/record.hpp"

namespace tidegate::soak {

class Journal {
 public:
  // Throws when the file can't be made.
  explicit Journal(const std::filesystem::path& path);

  void write(Event event);

 private:
  io::Descriptor file_;
};

class JournalReader {
 public:
  explicit JournalReader(std::filesystem::path path) : path_(std::move(path)) {}

  // The records that have come since the last call; none while there is no such file.
  [[nodiscard]] std::vector<Record> read();

 private:
  std::filesystem::path path_;
  std::streamoff offset_ = 0;
};

}  // namespace tidegate::soak
