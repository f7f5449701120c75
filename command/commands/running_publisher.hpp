// The client of a running peer's publish socket (publish_socket.hpp): `tidegate pub` without
// joining the mesh, and those that give orders (`tidegate trust`, `tidegate keys`). Blocks, as the
// commands have nothing else to do.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/line_reader.hpp"
#include "command/doors/status_socket/places.hpp"
#include "command/subcommand.hpp"
#include "peer/io/descriptor.hpp"
#include "tidegate/position.hpp"
#include "tidegate/result.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::commands {

class RunningPublisher {
 public:
  // A peer of that mesh on this host; nothing when there is none, or it lets nobody publish.
  // `after_commit`: it must have a primary of its own.
  static std::unique_ptr<RunningPublisher> find(const command::Invocation& invocation,
                                                bool after_commit);

  // That one; nothing when it takes no clients.
  static std::unique_ptr<RunningPublisher> at(const status_socket::PeerSocket& peer);

  // That one, to give it orders or ask it; an error for people when it takes none.
  static Result<std::unique_ptr<RunningPublisher>> for_orders(
      const status_socket::PeerSocket& peer);

  // Waits until so many peers are ready, without a number until it has met everybody; no longer
  // than the bound. How many are ready.
  [[nodiscard]] Result<std::size_t> wait_ready(std::optional<std::size_t> wanted, Duration bound);

  // Hands the message over and waits for the answer: the position of the change that it announces,
  // if any. An error tells why it was not sent.
  [[nodiscard]] Result<std::optional<Position>> publish(const json_lines::Publication& publication,
                                                        Duration bound);

  // Tells the peer that its primary is right, and waits for the answer.
  [[nodiscard]] std::optional<Error> trust_primary(Duration bound);

  // Asks whether a position is covered; the line that answers.
  [[nodiscard]] Result<json_lines::Json> wait_covered(const json_lines::Wait& wait, Duration bound);

  // Has the next message on a pattern followed; the line that answers.
  [[nodiscard]] Result<json_lines::Json> trace(const json_lines::Trace& trace, Duration bound);

  // Lets the peer read its keys again; the names of those that it accepts, the used one first.
  [[nodiscard]] Result<std::vector<std::string>> reload_keys(Duration bound);

 private:
  explicit RunningPublisher(io::Descriptor socket);

  // The next line; an error when the peer has gone or nothing came in time.
  [[nodiscard]] Result<json_lines::Json> next(Instant end);
  // Gives an order, and waits for the answer of that type.
  [[nodiscard]] Result<json_lines::Json> order(const std::string& line, const char* answer,
                                               Duration bound);
  void take(const json_lines::Json& line);

  io::Descriptor socket_;
  json_lines::LineReader lines_;
  std::size_t ready_ = 0;
  bool settled_ = false;
};

}  // namespace tidegate::commands
