// Standard input of `tidegate peer`: JSON lines, each a message to publish or an order (json.hpp).
//
// A message that can't be published is answered by a line on the output, with the number of the
// input line, and the next line is read. A line with an id is answered with that id once the peer
// answers its ticket. Too many unsent ones are no error: reading pauses until there is room, so
// that whoever writes to us has to wait. The message that met it is kept, and nothing is reordered.
//
// No line is lost at the end: all that was written before it is published, or answered as not
// published. The end is that of the input or, when the peer is stopped, finish().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/line_reader.hpp"
#include "command/doors/json_lines/outbox_lines.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/doors/orders.hpp"
#include "command/doors/subscriptions.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::json_lines {

// The ticket of the question that a notice answers: of a Coverage or a Traced.
[[nodiscard]] std::optional<Ticket> question_of(const Notice& notice);

class PublishInput {
 public:
  // `deliveries`: those that the writer gets and may choose, and `outbox` the same of rows;
  // nullptr: none.
  PublishInput(int descriptor, std::size_t payload_bytes, doors::Subscriptions* deliveries,
               OutboxLines* outbox);

  // To be watched for input while wants_input(); then read().
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] bool wants_input() const { return !ended_ && !waiting_; }
  void read();

  // The writer is gone, also if not all that it wrote has been read.
  void hang_up() { closed_ = true; }

  // No more is read than what is there now.
  void finish();

  // Publishes what was read, as far as the peer takes it, and gives the orders. Call it after
  // read(), and, while a message waits, whenever the peer has turned. nullptr: nothing can be
  // published.
  void pump(DrivenPeer* publisher, doors::Orders& orders, Output& output);

  // Messages stay here until then: earlier ones would go to peers that are not met yet.
  void hold_back(bool back) { held_back_ = back; }
  [[nodiscard]] bool holds_back() const { return held_back_ && waiting_.has_value(); }

  // The id of the line that this Sent, Received or Unpublished answers; empty: it had none, or the
  // notice is another one.
  [[nodiscard]] std::string take_id(const Notice& notice);

  // The id, perhaps none, of the line that this answers, which has a ticket of when_covered() or
  // when_traced(); nullopt: it answers none of here.
  [[nodiscard]] std::optional<std::string> take_question(Ticket ticket);

  // Nothing more is read.
  [[nodiscard]] bool ended() const { return ended_; }

  // Nothing more comes, and all that came was handed to the peer or refused.
  [[nodiscard]] bool drained() const { return ended_ && pumped_ && !waiting_; }

  // And is answered, as far as it has an id.
  [[nodiscard]] bool done() const { return drained() && ids_.empty() && questions_.empty(); }

  // The writer has closed it. An input that never was one, as /dev/null, is none.
  [[nodiscard]] bool closed_by_writer() const { return closed_; }

  // The peer leaves: says of each message that was written that it is not published.
  void give_up(Output& output);

 private:
  struct Waiting {
    std::uint64_t line = 0;
    Publication publication;
  };

  struct Id {
    std::string text;  // as JSON
    bool acknowledged = false;
  };

  void end();
  void take(const Line& line, DrivenPeer* publisher, doors::Orders& orders, Output& output);
  void obey(const Order& order, std::uint64_t line, doors::Orders& orders, Output& output);
  void obey_outbox(const Line& line, const Result<OutboxOrder>& order, Output& output);
  void take_message(const Line& line, Output& output);
  void publish(DrivenPeer& peer, Output& output);
  void ask(const Line& line, Result<Wait> wait, doors::Orders& orders, Output& output);
  void ask(const Line& line, Result<Trace> trace, doors::Orders& orders, Output& output);
  void remember(const Line& line, const Asked& asked, std::string id, Output& output);
  [[nodiscard]] std::string refusal(Publish answer, const Publication& publication) const;

  int descriptor_;
  std::size_t payload_bytes_;
  doors::Subscriptions* deliveries_;
  OutboxLines* outbox_;
  LineReader lines_;
  std::optional<Waiting> waiting_;
  std::map<Ticket, Id> ids_;                 // of what is not answered to the end yet
  std::map<Ticket, std::string> questions_;  // the same, by tickets of those that were asked
  std::optional<std::size_t> last_bytes_;    // so many are read yet
  bool held_back_ = false;
  bool ended_ = false;
  bool closed_ = false;
  bool pumped_ = true;  // all that was read
};

}  // namespace tidegate::json_lines
