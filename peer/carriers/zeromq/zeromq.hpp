// ZeroMQ as the carrier: bytes in, bytes out. Only this folder knows ZeroMQ.
//
//     XPUB    bound      what this peer publishes; tells whose subscriptions are present
//     SUB     connected  one for each peer that we follow, to its XPUB
//     ROUTER  bound      direct frames from those that dialled us (routes)
//     DEALER  connected  one for each peer that we dialled (links)
//
// Every peer receives every stream whole and filters for itself: a filter at the publisher would
// punch gaps into the sequences. Besides, each peer subscribes to "@<its id>", which no message
// ever matches: it shows the publisher that this peer's subscription has arrived.
//
// Each port of the loopback address listens as a Unix socket too, in the abstract namespace, which
// belongs to the same network namespace and leaves no file behind. The dialling side chooses.
//
// Liveness is the roster's business. ZeroMQ's own heartbeats stay off: in libzmq 4.3.4 they can
// abort the process when a receive queue is full.
//
// With keys every socket speaks CURVE (curve.hpp). The ROUTER's key and the one of all clients
// follow from the mesh's, which may have several and others later: the ROUTER uses the first, and a
// dialler tries them in turn (key_choice.hpp, listening.hpp). The XPUB's key is
// drawn by each process and told to members alone, so a stream is its publisher's or silent, also
// where its address was handed on.
//
// ZeroMQ tells of readiness by edges: a descriptor fires once, and sending on a socket may swallow
// that. So each socket has a mark, set when its descriptor fired or anything was done with it, and
// cleared when a read has found it empty.
//
// May be moved between threads before it is used.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/keys/keyring.hpp"
#include "peer/carriers/carrier.hpp"
#include "tidegate/options.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/result.hpp"

namespace tidegate::zeromq {

struct CarrierOptions {
  PeerId self;
  std::vector<std::string> addresses;  // of both families, to bind; the same ports on each
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 0;
  LocalTransport local = LocalTransport::tcp;
  keys::Keyring keyring = {};
};

// Binds the first two free ports of the range. Raises the soft limit of open files to the hard one,
// since a peer needs about ten for each other peer. With keys, proves that strangers are refused.
[[nodiscard]] Result<std::unique_ptr<carriers::Carrier>> open(const CarrierOptions& options);

}  // namespace tidegate::zeromq
