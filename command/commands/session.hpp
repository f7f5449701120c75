// The loop of a command that is a peer: one thread, one poll over the peer, the signals, standard
// output and, if there are any, standard input and the status socket. It decides nothing about
// messages; what a delivery or a notice means is the caller's.
//
// It never waits for anything but in that poll: not for a reader of standard output, not for a
// client of the status socket. While the output is full, deliveries stay in the peer's inbox, and
// beyond `inbox-bytes` held.
#pragma once

#include <functional>
#include <optional>

#include "command/doors/json_lines/output.hpp"
#include "command/doors/json_lines/publish_input.hpp"
#include "command/doors/status_socket/status_socket.hpp"
#include "command/subcommand.hpp"
#include "tidegate/peer.hpp"
#include "tidegate/time.hpp"

namespace tidegate::commands {

struct Session {
  Peer& peer;  // Drive::caller
  command::StopSignals& stop;
  json_lines::Output& output;
  json_lines::PublishInput* input = nullptr;
  status_socket::StatusSocket* status = nullptr;
  std::optional<Duration> bound;  // no end by itself without it

  // False: enough, the session ends.
  std::function<bool(const Incoming&)> take;
};

enum class SessionEnd : std::uint8_t {
  stopped,      // by a signal
  enough,       // take() said so
  time_over,    // after `bound`
  reader_gone,  // nobody reads standard output any more
};

// Runs until one of these; the peer has not left then.
[[nodiscard]] SessionEnd run_session(Session& session);

// Leaves the mesh, takes what is still there, and lets the reader of the output have it, within a
// few seconds.
void end_session(Session& session);

}  // namespace tidegate::commands
