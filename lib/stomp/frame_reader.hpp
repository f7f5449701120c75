// Reads frames out of bytes that come in pieces of any size, within bounds.
//
// The first frame opens the connection. Its headers have no escapes, and its lines may end in CR
// LF; the rules of the version that was agreed upon hold from then on:
//
//            line ends in    escapes in headers        blanks around names and values
//     1.0    LF              none                      are cut off
//     1.1    LF              \n \c \\                  belong to them
//     1.2    LF or CR LF     \r \n \c \\               belong to them
//
// A header is split at its first colon, so a colon in a value may stand as it is: clients in use
// don't escape it. Everything else is refused: another escape, a CR elsewhere (1.2), a NUL in the
// headers, a line without a colon or a name, a content-length that is no number or behind which
// there is no NUL, and headers that are no UTF-8. Broken bytes have no end, so the first error is
// the last word.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "lib/stomp/frame.hpp"
#include "tidegate/result.hpp"

namespace tidegate::stomp {

class FrameReader {
 public:
  // The longest body that is read.
  explicit FrameReader(std::size_t body_bytes) : body_bytes_(body_bytes) {}

  // The version of all frames that next() has not begun to look at.
  void follow(Version version) { version_ = version; }

  void add(std::string_view bytes) { buffer_.append(bytes); }

  // The next whole frame; nothing: more bytes are needed. EOLs between frames are skipped.
  [[nodiscard]] Result<std::optional<Frame>> next();

 private:
  enum class Place : std::uint8_t { command, headers, body };
  // One step; false: more bytes are needed.
  using Progress = Result<bool>;

  Progress step();
  Progress read_line(std::string_view& line);
  Progress read_command(std::string_view line);
  Progress read_header(std::string_view line);
  Progress end_headers();
  Progress read_body();
  [[nodiscard]] Result<std::string> unescaped(std::string_view text) const;

  std::size_t body_bytes_;
  std::optional<Version> version_;  // nothing: the first frame
  std::string buffer_;
  std::size_t at_ = 0;        // of buffer_: read so far
  std::size_t searched_ = 0;  // of buffer_: up to there is no end of what is read
  Place place_ = Place::command;
  Frame frame_;  // as far as it was read
  std::optional<std::size_t> length_;
  bool whole_ = false;
  std::optional<Error> error_;
};

}  // namespace tidegate::stomp
