// How far a subscription to an outbox has come, in its file or for the application to keep.
//
// 1. A row that is done is appended before done() returns, so that it survives the end of the
//    process. The whole is written, flushed and renamed soon after, which the end of the machine
//    does not undo.
// 2. While the file can't be written all goes on in memory, and the whole is written once that is
//    possible again.
#pragma once

#include <optional>
#include <string>

#include "lib/outbox/cursor.hpp"
#include "lib/outbox/reader.hpp"
#include "peer/durable_file.hpp"
#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::peer {

class OutboxCursor {
 public:
  OutboxCursor() = default;  // no file
  // Reads the file into `cursor`; nothing: it is new.
  static Result<OutboxCursor> open(const std::string& path, std::optional<outbox::Cursor>& cursor);

  // The reader has done a row, or has read.
  void done(const outbox::Reader& reader, const outbox::RowKey& row, Instant now);
  void moved(Instant now);
  // It is to be written with the next write().
  void write_at_once() { write_at_ = Instant::min(); }
  // The reader went back: no line may be appended to what the file has.
  void begin_anew() { whole_ = false; }

  [[nodiscard]] Instant deadline() const { return write_at_; }
  // Writes the whole if that is due. Answers why it can't be written, if that is news.
  [[nodiscard]] std::optional<std::string> write(const outbox::Reader& reader, Instant now);

 private:
  std::optional<DurableFile> file_;
  std::optional<Position> seen_;  // as the file has it
  bool whole_ = false;            // it has a whole cursor, to which lines may be appended
  Instant write_at_ = never;
  std::string told_;  // the trouble
};

}  // namespace tidegate::peer
