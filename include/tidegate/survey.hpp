// A mesh as its members see it, when one of them asks: each has tested its way to each other one
// just now. These are facts; `tidegate doctor --pairs` says what they mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tidegate/origin.hpp"
#include "tidegate/position.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate {

// The behaviour of a TCP port when it was dialled.
enum class PortAnswer : std::uint8_t {
  untested,     // frames have passed there, or there was no time
  speaks,       // as the port of a peer does
  silent,       // takes connections and says nothing
  other,        // speaks as no peer does
  refused,      // nothing listens there
  unreachable,  // no way leads to that host
  no_answer,    // not even to say no
};

// Another peer, as one member sees it.
struct PairSeen {
  Origin origin;
  std::string name;  // empty: it was not met
  std::string host;
  std::uint16_t publish_port = 0;
  std::uint16_t direct_port = 0;
  PeerState state = PeerState::heard;
  Handshake lacks = Handshake::answer;
  Duration silent{};                    // since its last word
  std::optional<Duration> last_beacon;  // since then; nullopt: none has ever come
  bool beacon_came = false;             // during the test; so are all below
  bool stream_came = false;
  std::optional<Duration> round_trip;   // of a small frame, on a new connection to its direct port
  bool large_came = false;              // a large frame in answer to it
  std::optional<Duration> clock_ahead;  // its clock, of the member's own; negative: it is behind
  PortAnswer direct = PortAnswer::untested;
  PortAnswer publish = PortAnswer::untested;

  friend bool operator==(const PairSeen&, const PairSeen&) = default;
};

// Somebody whose words a member has refused a short while ago.
struct RefusedSeen {
  enum class Why : std::uint8_t {
    other_mesh,
    no_key,         // it has none, and the member has one
    other_key,      // that the member does not have
    forged,         // it names a key of the mesh, and its beacon was not made with it
    other_version,  // of the protocol
  };

  std::string host;
  std::uint16_t direct_port = 0;  // 0: not known
  Why why = Why::other_mesh;
  std::string detail;  // the name of its mesh, or its version
  Duration ago{};

  friend bool operator==(const RefusedSeen&, const RefusedSeen&) = default;
};

// A seed of a member at which no peer of the mesh answers.
struct SeedSeen {
  std::string seed;                 // as in its options
  Duration unanswered{};            // for so long
  std::vector<std::string> tested;  // "host:port", the first of those that its name leads to
  std::string reason;               // as in SeedStatus
  PortAnswer answer = PortAnswer::untested;  // of the first of them that is not `speaks`, if any

  friend bool operator==(const SeedSeen&, const SeedSeen&) = default;
};

struct MemberSeen {
  Origin origin;
  std::string name;
  std::string host;  // as the asking peer sees it; empty: the asking peer itself
  std::uint16_t direct_port = 0;
  PeerState state = PeerState::ready;  // to the asking peer
  bool answered = false;               // if not, nothing below is known
  std::string version;                 // of tidegate
  ClusterId reads = 0;                 // of the server that it reads; 0: none, or not known
  ClusterId announces = 0;             // of its primary
  bool has_seeds = false;
  std::vector<PairSeen> pairs;
  std::vector<RefusedSeen> refused;
  std::vector<SeedSeen> seeds;

  friend bool operator==(const MemberSeen&, const MemberSeen&) = default;
};

struct Survey {
  std::vector<MemberSeen> members;  // the asking peer first
  std::size_t left_out = 0;         // members that were not asked, since there are too many
  Duration took{};
};

}  // namespace tidegate
