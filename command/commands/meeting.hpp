// How a command that has just joined meets the others before it does its work.
#pragma once

#include "command/commands/session.hpp"
#include "command/settle.hpp"
#include "tidegate/peer.hpp"
#include "tidegate/time.hpp"

namespace tidegate::commands {

// Runs the session until the peer has settled, or for so long.
[[nodiscard]] SessionEnd meet(Session& session, DrivenPeer& peer, command::Settling& settling,
                              Duration bound);

}  // namespace tidegate::commands
