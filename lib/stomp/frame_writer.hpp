// Writes one frame behind what a string holds already.
//
// Headers are escaped as the version wants it, so no text of others ends a header or a frame. A
// character that can't be written becomes a blank: in 1.0, which has no escapes, a line break, and
// a colon in a name; everywhere a NUL, at which clients end a frame.
#pragma once

#include <string>
#include <string_view>

#include "lib/stomp/frame.hpp"

namespace tidegate::stomp {

class FrameWriter {
 public:
  FrameWriter(std::string& to, Version version, std::string_view command);

  FrameWriter& header(std::string_view name, std::string_view value);

  // The last call: the frame without a body, or with one and its content-length.
  void end();
  void end(std::string_view body);

 private:
  void write(std::string_view text, bool is_name);
  void write(char c, bool is_name);

  std::string& to_;
  Version version_;
  bool escapes_;
};

// The frame as it is, content-length and all.
[[nodiscard]] std::string to_bytes(const Frame& frame, Version version);

}  // namespace tidegate::stomp
