// Standard output of a process that must not wait for its reader: a peer that blocks in
// write() is silent, and the others take it for dead.
//
// Text is kept here and written when the descriptor takes it. The descriptor stays as it is: making
// it non-blocking would do the same to the terminal of the shell that started us. So it is asked
// first (poll), and then gets no more than what fits a pipe that has room at all.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "peer/io/reactor.hpp"
#include "tidegate/time.hpp"

namespace tidegate::json_lines {

class Output {
 public:
  // Of a command that prints something and ends.
  explicit Output(int descriptor) : descriptor_(descriptor) {}

  // Of one that goes on: what is pending after flush() is written as soon as the reactor finds that
  // the descriptor takes it, and there it shows too that the reader is gone.
  Output(int descriptor, io::Reactor& reactor);

  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Takes the text and a line break.
  void line(std::string_view text);

  // Writes what can be written now.
  void flush();

  // Writes all that is there, waiting for the reader, but no longer than `bound`.
  void drain(Duration bound);

  // There is something to write.
  [[nodiscard]] bool pending() const { return !text_.empty(); }

  // More is pending than a pipe holds: whatever can wait where it is should.
  [[nodiscard]] bool busy() const { return closed_ || text_.size() - written_ > pipe_bytes; }

  // So much is pending that its producer should pause.
  [[nodiscard]] bool full() const { return text_.size() >= most_pending; }

  // So much that also those who ask for answers should pause. That is far beyond full(): somebody
  // who publishes and does not read meanwhile goes on while deliveries alone wait.
  [[nodiscard]] bool choked() const { return text_.size() >= 16 * most_pending; }

  // The reader is gone; what comes is thrown away from now on.
  [[nodiscard]] bool closed() const { return closed_; }

  // Why, where it is something else (a full disk); empty: its reader has gone, or it is not closed.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  static constexpr std::size_t pipe_bytes = std::size_t{1} << 16U;
  static constexpr std::size_t most_pending = std::size_t{1} << 20U;

  bool write_some();
  void ready(io::Readiness readiness);
  void close();

  int descriptor_;
  io::Reactor::Watch watch_;
  std::string text_;
  std::size_t written_ = 0;  // of text_
  bool closed_ = false;
  std::string failure_;
};

}  // namespace tidegate::json_lines
