#include "command/commands/meeting.hpp"

#include "peer/io/clock.hpp"

namespace tidegate::commands {

SessionEnd meet(Session& session, DrivenPeer& peer, command::Settling& settling, Duration bound) {
  auto look_again = session.reactor().timer();
  return session.run(bound, [&] {
    const bool settled = settling.settled(peer.status(), io::clock_now());
    look_again.set(settling.settles_at());
    return settled;
  });
}

}  // namespace tidegate::commands
