#include "command/settle.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::command;
using namespace std::chrono_literals;

namespace {

Status with(const std::vector<PeerState>& states) {
  Status status;
  for (const auto state : states) {
    status.peers.emplace_back();
    status.peers.back().state = state;
  }
  return status;
}

}  // namespace

TEST_CASE("it has settled when somebody is ready and nobody new has come for a while") {
  Settling settling(std::nullopt);
  Instant now{};
  CHECK_FALSE(settling.settled(with({}), now));
  CHECK_FALSE(settling.settled(with({}), now + 10s));
  now += 10s;
  CHECK_FALSE(settling.settled(with({PeerState::ready}), now));
  CHECK_FALSE(settling.settled(with({PeerState::ready}), now + 299ms));
  CHECK_FALSE(settling.settled(with({PeerState::ready, PeerState::ready}), now + 299ms));
  CHECK_FALSE(settling.settled(with({PeerState::ready, PeerState::ready}), now + 598ms));
  CHECK(settling.settled(with({PeerState::ready, PeerState::ready}), now + 599ms));
}

TEST_CASE("a peer that is half known is waited for") {
  Settling settling(std::nullopt);
  const auto status = with({PeerState::ready, PeerState::hello});
  CHECK_FALSE(settling.settled(status, Instant{}));
  CHECK_FALSE(settling.settled(status, Instant{} + 10s));
  CHECK(settling.enough());
}

TEST_CASE("with a number it has settled when so many are ready, and not before") {
  Settling settling(2);
  CHECK_FALSE(settling.settled(with({PeerState::ready, PeerState::hello}), Instant{} + 10s));
  CHECK_FALSE(settling.enough());
  CHECK(settling.settled(with({PeerState::ready, PeerState::ready}), Instant{} + 10s));
  CHECK(settling.enough());
}
