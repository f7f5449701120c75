#include "lib/stomp/frame_reader.hpp"

#include <algorithm>
#include <utility>

#include "lib/base/decimal.hpp"
#include "lib/base/limits.hpp"
#include "lib/base/utf8.hpp"

namespace tidegate::stomp {
namespace {

constexpr std::size_t longest_command = 16;

bool is_command(std::string_view text) {
  return text.size() <= longest_command &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// The character that is meant by a backslash and this; 0: none.
char escaped_character(char c, Version version) {
  if (c == 'n') return '\n';
  if (c == 'c') return ':';
  if (c == '\\') return '\\';
  return c == 'r' && version == Version::v1_2 ? '\r' : '\0';
}

}  // namespace

Result<std::optional<Frame>> FrameReader::next() {
  while (!error_) {
    const auto progress = step();
    if (!progress) {
      error_ = progress.error();
    } else if (!*progress) {
      buffer_.erase(0, at_);
      searched_ -= std::min(searched_, at_);
      at_ = 0;
      return std::optional<Frame>();
    } else if (std::exchange(whole_, false)) {
      return std::optional(std::exchange(frame_, Frame()));
    }
  }
  return *error_;
}

FrameReader::Progress FrameReader::step() {
  if (place_ == Place::body) return read_body();
  std::string_view line;
  auto progress = read_line(line);
  if (!progress || !*progress) return progress;
  if (place_ == Place::command) return line.empty() ? Progress(true) : read_command(line);
  return line.empty() ? end_headers() : read_header(line);
}

FrameReader::Progress FrameReader::read_line(std::string_view& line) {
  constexpr std::string_view ends("\n\0", 2);
  const auto end = buffer_.find_first_of(ends, std::max(at_, searched_));
  if (std::min(end, buffer_.size()) - at_ > base::limits::stomp_line_bytes) {
    return Error{"a line is longer than " + std::to_string(base::limits::stomp_line_bytes) +
                 " bytes"};
  }
  if (end == std::string::npos) {
    searched_ = buffer_.size();
    return false;
  }
  if (buffer_[end] == '\0') {
    return Error{"a NUL stands in front of the empty line that ends the headers"};
  }
  line = std::string_view(buffer_).substr(at_, end - at_);
  at_ = end + 1;
  if (version_.value_or(Version::v1_2) != Version::v1_2) return true;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.find('\r') != std::string_view::npos) {
    return Error{"a CR stands elsewhere than in front of a line break; write \\r"};
  }
  return true;
}

FrameReader::Progress FrameReader::read_command(std::string_view line) {
  if (!is_command(line)) return Error{"a frame begins with a command, and this is none"};
  frame_.command = line;
  place_ = Place::headers;
  return true;
}

FrameReader::Progress FrameReader::read_header(std::string_view line) {
  if (frame_.headers.size() == base::limits::stomp_headers) {
    return Error{"a frame has more than " + std::to_string(base::limits::stomp_headers) +
                 " headers"};
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return Error{"a header line has no colon"};
  auto name = line.substr(0, colon);
  auto value = line.substr(colon + 1);
  if (version_ == Version::v1_0) {
    name = trimmed(name);
    value = trimmed(value);
  }
  if (name.empty()) return Error{"a header has no name"};
  if (!base::is_utf8(line)) return Error{"a header is not UTF-8 text"};
  auto plain_name = unescaped(name);
  if (!plain_name) return plain_name.error();
  auto plain_value = unescaped(value);
  if (!plain_value) return plain_value.error();
  frame_.headers.push_back({std::move(*plain_name), std::move(*plain_value)});
  return true;
}

Result<std::string> FrameReader::unescaped(std::string_view text) const {
  if (!version_ || version_ == Version::v1_0 || opens_connection(frame_.command)) {
    return std::string(text);
  }
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      plain += text[i];
      continue;
    }
    const char meant = ++i < text.size() ? escaped_character(text[i], *version_) : '\0';
    if (meant == '\0') {
      return Error{"a header has an escape that STOMP " + std::string(to_string(*version_)) +
                   " does not know"};
    }
    plain += meant;
  }
  return plain;
}

FrameReader::Progress FrameReader::end_headers() {
  length_.reset();
  if (const auto* text = frame_.find("content-length")) {
    length_ = base::parse_number<std::size_t>(*text);
    if (!length_) return Error{"content-length is not a number"};
    if (*length_ > body_bytes_) {
      return Error{"content-length is more than the " + std::to_string(body_bytes_) +
                   " bytes that a body may have"};
    }
  }
  place_ = Place::body;
  searched_ = at_;
  return true;
}

FrameReader::Progress FrameReader::read_body() {
  const auto there = buffer_.size() - at_;
  if (length_ && there <= *length_) return false;
  auto size = length_.value_or(0);
  if (!length_) {
    const auto end = buffer_.find('\0', std::max(at_, searched_));
    size = std::min(end, buffer_.size()) - at_;
    if (size > body_bytes_) {
      return Error{"a body is longer than " + std::to_string(body_bytes_) + " bytes"};
    }
    searched_ = buffer_.size();
    if (end == std::string::npos) return false;
  } else if (buffer_[at_ + size] != '\0') {
    return Error{"no NUL follows the body, whose length content-length gives"};
  }
  frame_.body.assign(buffer_, at_, size);
  at_ += size + 1;
  searched_ = at_;
  place_ = Place::command;
  whole_ = true;
  return true;
}

}  // namespace tidegate::stomp
