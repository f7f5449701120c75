// Standard input of `tidegate peer`: JSON lines, each a message to publish (json.hpp).
//
// A message that can't be published is answered by a line on the output, with the number of the
// input line, and the next line is read. A line with an id is answered with that id once the peer
// answers its ticket. Only a full outbox is no error: reading pauses until there is room, so that
// whoever writes to us has to wait. The message that met it is kept, and nothing is reordered.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/line_reader.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/doors/orders.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::json_lines {

class PublishInput {
 public:
  PublishInput(int descriptor, std::size_t payload_bytes);

  // To be watched for input while wants_input(); then read().
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] bool wants_input() const { return !ended_ && !waiting_; }
  void read();

  // Publishes what was read, as far as the peer takes it, and gives the orders. Call it after
  // read(), and, while blocked(), whenever the peer has turned. nullptr: nothing can be published.
  void pump(DrivenPeer* publisher, doors::Orders& orders, Output& output);

  // The id of the line that this Sent or Unpublished answers; empty: it had none, or the notice is
  // another one.
  [[nodiscard]] std::string take_id(const Notice& notice);

  // Nothing more comes, and all that came is answered, as far as it has an id.
  [[nodiscard]] bool done() const { return ended_ && pumped_ && ids_.empty(); }

  // The peer leaves: says of the message that waits that it is not published.
  void give_up(Output& output);

 private:
  struct Waiting {
    std::uint64_t line = 0;
    Publication publication;
  };

  void take(const Line& line, DrivenPeer* publisher, doors::Orders& orders, Output& output);
  void take_message(const Line& line, Output& output);
  void publish(DrivenPeer& peer, Output& output);
  [[nodiscard]] std::string refusal(Publish answer, const Publication& publication) const;

  int descriptor_;
  std::size_t payload_bytes_;
  LineReader lines_;
  std::optional<Waiting> waiting_;
  std::map<Ticket, std::string> ids_;  // of what is not answered yet
  bool ended_ = false;
  bool pumped_ = false;  // all that was read
};

}  // namespace tidegate::json_lines
