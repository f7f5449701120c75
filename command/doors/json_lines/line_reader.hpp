// Cuts what is read from a descriptor into lines, without ever keeping more than one line of a
// bounded length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace tidegate::json_lines {

struct Line {
  std::uint64_t number = 0;  // from 1
  std::string text;          // without the line break
  bool too_long = false;     // the text was thrown away
};

class LineReader {
 public:
  explicit LineReader(std::size_t longest) : longest_(longest) {}

  // The next line among the bytes that were added; the last one may lack its line break once the
  // end was told. Empty lines count but are not returned.
  std::optional<Line> next();

  // Only when next() has returned nothing.
  void add(const char* bytes, std::size_t size);
  void end() { ended_ = true; }

 private:
  std::optional<Line> cut(std::size_t size, std::size_t line_break);

  std::size_t longest_;
  std::string bytes_;
  std::size_t begin_ = 0;     // of the line in bytes_
  std::size_t searched_ = 0;  // no line break before this
  std::uint64_t number_ = 0;
  bool too_long_ = false;  // the line that has begun
  bool ended_ = false;
};

}  // namespace tidegate::json_lines
