// The file of a durable subscription: appended to with each acknowledgement, and written anew now
// and then. It knows nothing of what the text says (lib/stomp/durable_records.hpp for those of a
// door, lib/outbox/cursor_records.hpp for one of an outbox).
//
// 1. A piece is appended by one write(2), so that it survives the end of the process, however it
//    ends. It is not flushed: after the end of the machine the last pieces may be missing.
// 2. The whole is replaced as one: written beside it, flushed, renamed.
// 3. One process has the file at a time: `<path>.lock` is locked as long as it runs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "peer/io/descriptor.hpp"
#include "tidegate/result.hpp"

namespace tidegate::peer {

class DurableFile {
 public:
  // Reads it into `text`; empty: there is none, and it is made by the first replace(). One that is
  // longer than `most_bytes` is refused.
  static Result<DurableFile> open(const std::string& path, std::size_t most_bytes,
                                  std::string& text);

  // nullopt: it is written. Where there was no file, and after an error, a replace() comes first.
  [[nodiscard]] std::optional<Error> append(std::string_view piece);
  [[nodiscard]] std::optional<Error> replace(std::string_view text);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::size_t replaced_bytes() const { return replaced_; }  // by the last replace()
  [[nodiscard]] std::size_t appended_bytes() const { return appended_; }  // since

 private:
  DurableFile(std::string path, io::Descriptor lock, io::Descriptor file, std::size_t bytes)
      : path_(std::move(path)), lock_(std::move(lock)), file_(std::move(file)), replaced_(bytes) {}

  [[nodiscard]] Error failed() const;

  std::string path_;
  io::Descriptor lock_;
  io::Descriptor file_;
  std::size_t replaced_;
  std::size_t appended_ = 0;
};

}  // namespace tidegate::peer
