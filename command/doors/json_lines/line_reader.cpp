#include "command/doors/json_lines/line_reader.hpp"

namespace tidegate::json_lines {
namespace {

// The memory of a longer line is given back.
constexpr std::size_t kept_capacity = std::size_t{1} << 18U;

}  // namespace

std::optional<Line> LineReader::next() {
  while (true) {
    const auto found = bytes_.find('\n', searched_);
    if (found != std::string::npos) {
      if (auto line = cut(found - begin_, 1)) return line;
      continue;
    }
    searched_ = bytes_.size();
    if (ended_ && (begin_ < bytes_.size() || too_long_)) {
      if (auto line = cut(bytes_.size() - begin_, 0)) return line;
    }
    bytes_.erase(0, begin_);
    begin_ = 0;
    if (too_long_ || bytes_.size() > longest_) {
      too_long_ = true;
      bytes_.clear();
    }
    if (bytes_.empty() && bytes_.capacity() > kept_capacity) bytes_.shrink_to_fit();
    searched_ = bytes_.size();
    return std::nullopt;
  }
}

void LineReader::add(const char* bytes, std::size_t size) { bytes_.append(bytes, size); }

std::optional<Line> LineReader::cut(std::size_t size, std::size_t line_break) {
  ++number_;
  Line line{number_, {}, too_long_ || size > longest_};
  if (!line.too_long) line.text = bytes_.substr(begin_, size);
  if (!line.text.empty() && line.text.back() == '\r') line.text.pop_back();
  too_long_ = false;
  begin_ += size + line_break;
  searched_ = begin_;
  if (line.text.empty() && !line.too_long) return std::nullopt;
  return line;
}

}  // namespace tidegate::json_lines
