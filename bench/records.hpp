// Files of raw records: how a worker hands over what it has seen without its writing being part of
// what is measured. Both throw when the file can't be used.
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace tidegate::bench {

template <typename Record>
void write_records(const std::string& file, const std::vector<Record>& records) {
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(records.data()),
            static_cast<std::streamsize>(records.size() * sizeof(Record)));
  if (!out.flush()) throw std::runtime_error("can't write " + file);
}

template <typename Record>
std::vector<Record> read_records(const std::string& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) throw std::runtime_error("can't read " + file);
  std::vector<Record> records(static_cast<std::size_t>(in.tellg()) / sizeof(Record));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(records.data()),
          static_cast<std::streamsize>(records.size() * sizeof(Record)));
  return records;
}

}  // namespace tidegate::bench
