// The gate without the mesh: holds messages that any carrier has brought (a broker, a job queue, a
// webhook) until the change that each announces is visible on the server that this process reads.
//
//     auto gate = tidegate::DatabaseGate::open({.database = "host=replica"});
//     if (!gate) return complain(gate.error().message);
//     (*gate)->hold(job, position);                 // as it arrives
//     while (auto released = (*gate)->next(1s)) {   // as it becomes visible
//       if (released->fate == tidegate::Fate::visible) run(released->message);
//     }
//
// The publisher takes the position after its commit, with commit.hpp, and sends it along, for
// example as the text that to_text() of position.hpp gives.
//
// The owner of the gate runs it: there is no thread in it. Not thread-safe. It belongs to the
// process that has opened it: in one that comes out of fork() it holds and gives nothing, and
// letting it go there touches neither the parent's gate nor its connection; open another one there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tidegate/covered.hpp"
#include "tidegate/export.hpp"
#include "tidegate/position.hpp"
#include "tidegate/result.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/time.hpp"
#include "tidegate/trouble.hpp"

namespace tidegate {

struct GateOptions {
  // libpq connection string of the server that this process reads; see Options::database.
  std::string database = {};
  // Bytes of held messages, each counted with some overhead. Beyond it hold() refuses.
  std::size_t held_bytes = std::size_t{256} << 20U;
};

class TIDEGATE_EXPORT DatabaseGate {
 public:
  // Refuses a connection string that libpq can't read, and a process that has no descriptors left.
  // A server that does not answer is no error:
  // messages are held until it does, and trouble() tells why.
  static Result<std::unique_ptr<DatabaseGate>> open(const GateOptions& options);

  ~DatabaseGate();
  DatabaseGate(const DatabaseGate&) = delete;
  DatabaseGate& operator=(const DatabaseGate&) = delete;

  // False, and nothing taken, when `held_bytes` are held already: leave the message with its
  // carrier and offer it again. False in another process, too.
  [[nodiscard]] bool hold(std::string message, const Position& position);

  struct Released {
    std::string message;
    Position position;
    Visibility visibility = Visibility::visible;
    Duration held{};
  };

  // The next message whose fate is known, in the order of (timeline, LSN, arrival); nothing when
  // there was none within the timeout: milliseconds::max() waits without end, a negative one not at
  // all. The server is asked only while something is held.
  std::optional<Released> next(std::chrono::milliseconds timeout);

  // Whether the server shows the position, as Peer::covered() of peer.hpp tells it. Blocks; what is
  // released meanwhile stays for next().
  [[nodiscard]] Covered covered(const Position& position,
                                std::chrono::milliseconds timeout = std::chrono::milliseconds(0));

  // Readable, in the sense of poll(2), while next(0) has something to do. Valid as long as the
  // gate; never read from it. -1 in another process.
  [[nodiscard]] int descriptor() const;

  [[nodiscard]] std::size_t held() const;  // messages

  // Trouble for an operator: the server is down, or a right is missing. Empty: all is well.
  [[nodiscard]] const std::string& trouble() const;

  // The next trouble that has begun or ended, for a log (trouble.hpp): of the server, and that it
  // replays nothing while messages are held. They are found by next().
  std::optional<Trouble> next_trouble();

 private:
  struct Parts;
  explicit DatabaseGate(std::shared_ptr<Parts> parts);

  std::shared_ptr<Parts> parts_;
};

}  // namespace tidegate
