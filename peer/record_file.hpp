// The file to which a peer appends the record of itself (lib/node/record.hpp). Lines are collected
// for a turn of the loop and written by one write(2), before the effects of that turn are executed:
// so whatever others have got of this peer is in its record, however it ends.
//
// Nothing is flushed to the disk, and nothing waits for it. An error ends the record, is told once,
// and never stops the peer.
#pragma once

#include <optional>
#include <string>

#include "lib/node/record.hpp"
#include "peer/io/descriptor.hpp"
#include "tidegate/result.hpp"

namespace tidegate::peer {

class RecordFile {
 public:
  // Makes the file for this user alone, or goes on at its end. Only a plain file never waits for a
  // reader, so others are refused.
  static Result<RecordFile> open(const std::string& path);

  // The beginning: a new life of a peer, whatever the file has before.
  void begin(const mesh::PeerInfo& self, const Options& options, std::uint64_t last, Instant now);

  void add(const node::Input& input, Instant now) {
    if (file_) record_.add(input, now, lines_);
  }
  void add(const node::Effect& effect, Instant now) {
    if (file_) record_.add(effect, now, lines_);
  }
  // All that was added. An error tells once that nothing more is written, and why.
  [[nodiscard]] std::optional<Error> write();

 private:
  RecordFile(std::string path, io::Descriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  io::Descriptor file_;  // none: the record has ended
  node::Record record_{"", Instant{}};
  std::string lines_;
};

}  // namespace tidegate::peer
