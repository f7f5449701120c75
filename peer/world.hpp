// The world of a loop: the way to other peers, the servers, and the peer's own name. Each
// is behind a seam, so that a test can put others in their place.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "discovery/address_watch.hpp"
#include "discovery/beacon.hpp"
#include "lib/base/endpoint.hpp"
#include "lib/keys/keyring.hpp"
#include "lib/mesh/frame.hpp"
#include "peer/carriers/carrier.hpp"
#include "peer/carriers/datagrams/port.hpp"
#include "peer/record_file.hpp"
#include "peer/servers/server.hpp"
#include "peer/state_file.hpp"
#include "tidegate/options.hpp"
#include "tidegate/result.hpp"

namespace tidegate::peer {

struct World {
  mesh::PeerInfo self;  // with the carrier's ports
  std::vector<base::Endpoint> seeds;
  std::optional<StateFile> state;   // none: the identity ends with the process
  std::uint64_t last_sequence = 0;  // without a state: what an earlier life has sent of the stream
  std::optional<RecordFile> record;
  std::uint64_t random_seed = 0;  // of the pauses of the node
  std::unique_ptr<carriers::Carrier> carrier;
  std::unique_ptr<datagrams::Port> datagrams;            // none: they are not wanted
  keys::Keyring keyring;                                 // of the beacon
  std::optional<discovery::Beacon> beacon;               // none: peers are found by seeds alone
  std::optional<discovery::AddressWatch> addresses;      // none: they never change
  std::unique_ptr<servers::ReplayReader> replay_reader;  // none: not gated
  std::unique_ptr<servers::CommitPositionReader> commit_position_reader;  // none: not known yet
};

// A stream that is kept elsewhere than in a state file.
struct KeptStream {
  Origin origin;  // of the present life
  std::uint64_t epoch = 0;
  std::uint64_t last = 0;  // what earlier lives have sent of it
};

// As the options say, which must be valid. Opens the sockets; no server is connected to yet.
[[nodiscard]] Result<World> open_world(const Options& options,
                                       const std::optional<KeptStream>& stream = std::nullopt);

}  // namespace tidegate::peer
