#include "lib/stomp/frame_writer.hpp"

namespace tidegate::stomp {

FrameWriter::FrameWriter(std::string& to, Version version, std::string_view command)
    : to_(to), version_(version), escapes_(version != Version::v1_0 && !opens_connection(command)) {
  to_.append(command).push_back('\n');
}

FrameWriter& FrameWriter::header(std::string_view name, std::string_view value) {
  write(name, true);
  to_ += ':';
  write(value, false);
  to_ += '\n';
  return *this;
}

void FrameWriter::end() { to_.append("\n\0", 2); }

void FrameWriter::end(std::string_view body) {
  header("content-length", std::to_string(body.size()));
  to_.append("\n").append(body).push_back('\0');
}

void FrameWriter::write(std::string_view text, bool is_name) {
  constexpr std::string_view special("\r\n:\\\0", 5);
  while (!text.empty()) {
    const auto plain = text.substr(0, text.find_first_of(special));
    to_.append(plain);
    text.remove_prefix(plain.size());
    if (text.empty()) return;
    write(text.front(), is_name);
    text.remove_prefix(1);
  }
}

void FrameWriter::write(char c, bool is_name) {
  if (c == '\0') {
    to_ += ' ';
  } else if (!escapes_) {
    to_ += c == '\n' || c == '\r' || (c == ':' && is_name) ? ' ' : c;
  } else if (c == '\n') {
    to_ += "\\n";
  } else if (c == ':') {
    to_ += "\\c";
  } else if (c == '\\') {
    to_ += "\\\\";
  } else if (version_ == Version::v1_2) {
    to_ += "\\r";
  } else {
    to_ += c;
  }
}

std::string to_bytes(const Frame& frame, Version version) {
  std::string bytes;
  FrameWriter writer(bytes, version, frame.command);
  for (const auto& [name, value] : frame.headers) writer.header(name, value);
  bytes.append("\n").append(frame.body).push_back('\0');
  return bytes;
}

}  // namespace tidegate::stomp
