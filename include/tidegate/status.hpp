// A peer's account of itself when an operator asks: a snapshot, made on request.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tidegate/export.hpp"
#include "tidegate/histogram.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/position.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/time.hpp"
#include "tidegate/trouble.hpp"

namespace tidegate {

// Counts since the peer started.
struct Counters {
  std::uint64_t published = 0;  // sent to the mesh
  std::uint64_t received = 0;   // messages of others that arrived for the first time
  std::uint64_t delivered = 0;  // given to the application
  std::uint64_t unmatched = 0;  // released, but no subscription asked for them
  std::uint64_t duplicate = 0;  // dropped, had arrived before
  std::uint64_t missing = 0;    // reported as Undelivered, by reason
  std::uint64_t orphaned = 0;
  std::uint64_t in_doubt = 0;
  std::uint64_t foreign = 0;
  std::uint64_t expired = 0;
  std::uint64_t overdue = 0;
  std::uint64_t late = 0;            // delivered before their change, as the options wish
  std::uint64_t unpublished = 0;     // reported as Unpublished
  std::uint64_t undone = 0;          // own messages reported as Undone
  std::uint64_t malformed = 0;       // frames and datagrams that could not be read
  std::uint64_t unexpected = 0;      // frames that could be read, but not from there or not now
  std::uint64_t refused = 0;         // peers of another mesh or protocol version
  std::uint64_t strangers = 0;       // beacons without a key of the mesh; connections of no member
  std::uint64_t floods = 0;          // connections that were ended: too much came over them
  std::uint64_t refused_full = 0;    // arrivals beyond `held_bytes`, to be fetched again
  std::uint64_t requests = 0;        // for messages that were missed
  std::uint64_t recovered = 0;       // messages that came again thanks to them
  std::uint64_t answers = 0;         // to requests of others
  std::uint64_t resent = 0;          // messages sent again in them
  std::uint64_t datagrams_sent = 0;  // with messages, to each reader
  std::uint64_t datagrams_received = 0;  // with messages
  std::uint64_t suppressed = 0;          // frames that were too much for the queues of slow readers
  std::uint64_t replay_reads = 0;        // questions to the server that is read
  std::uint64_t position_queries = 0;    // questions to the primary
  std::uint64_t nudges = 0;              // small writes that flush another session's tail
};

// Each counter once, with the name by which the status shows it.
struct CounterName {
  const char* name;
  std::uint64_t Counters::*count;
};
inline constexpr std::array counter_names = {
    CounterName{"published", &Counters::published},
    CounterName{"received", &Counters::received},
    CounterName{"delivered", &Counters::delivered},
    CounterName{"unmatched", &Counters::unmatched},
    CounterName{"duplicate", &Counters::duplicate},
    CounterName{"missing", &Counters::missing},
    CounterName{"orphaned", &Counters::orphaned},
    CounterName{"in_doubt", &Counters::in_doubt},
    CounterName{"foreign", &Counters::foreign},
    CounterName{"expired", &Counters::expired},
    CounterName{"overdue", &Counters::overdue},
    CounterName{"late", &Counters::late},
    CounterName{"unpublished", &Counters::unpublished},
    CounterName{"undone", &Counters::undone},
    CounterName{"malformed", &Counters::malformed},
    CounterName{"unexpected", &Counters::unexpected},
    CounterName{"refused", &Counters::refused},
    CounterName{"strangers", &Counters::strangers},
    CounterName{"floods", &Counters::floods},
    CounterName{"refused_full", &Counters::refused_full},
    CounterName{"requests", &Counters::requests},
    CounterName{"recovered", &Counters::recovered},
    CounterName{"answers", &Counters::answers},
    CounterName{"resent", &Counters::resent},
    CounterName{"datagrams_sent", &Counters::datagrams_sent},
    CounterName{"datagrams_received", &Counters::datagrams_received},
    CounterName{"suppressed", &Counters::suppressed},
    CounterName{"replay_reads", &Counters::replay_reads},
    CounterName{"position_queries", &Counters::position_queries},
    CounterName{"nudges", &Counters::nudges},
};
static_assert(sizeof(Counters) == counter_names.size() * sizeof(std::uint64_t),
              "every counter has a name");

// Durations since the peer started.
struct Timings {
  Histogram held;         // of messages that had to wait in the gate, until they left it delivered
  Histogram release;      // of that, behind the last reading that did not show the change: at most
                          // so late they were
  Histogram replay_read;  // of questions to the server that is read
};

enum class PeerState : std::uint8_t {
  heard,    // a beacon or a seed names it; no word from itself yet
  hello,    // it has answered; streams are being joined
  ready,    // messages flow in both directions
  suspect,  // was ready, but is silent
  left,     // said farewell
  gone,     // silent for too long
};

[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(PeerState state);

// The first step towards `ready` that has not been seen of a peer.
enum class Handshake : std::uint8_t {
  done,          // none is missing
  answer,        // its direct port has not answered
  call,          // it has not reached our direct port
  stream,        // our subscription has not shown any effect at its publish port
  subscription,  // it has not subscribed at our publish port
};

[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(Handshake step);

// The way of a stream in datagrams.
enum class DatagramState : std::uint8_t {
  none,   // not wanted, or not yet
  tried,  // none comes through: all goes over the connection
  open,
};

[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(DatagramState state);

struct PeerStatus {
  Origin origin;
  std::string name;
  std::string host;
  std::uint16_t publish_port = 0;
  std::uint16_t direct_port = 0;
  std::string key;  // that it uses, as far as it is known; empty: none, or not known
  PeerState state = PeerState::heard;
  Handshake lacks = Handshake::answer;
  Duration unready{};               // since it should be ready and is not; 0 while it is
  std::string refusal;              // why it will not have this peer; empty: it has not refused it
  Duration silent{};                // since its last sign of life
  std::uint64_t next_sequence = 0;  // the next one expected from it; 0: not known yet
  std::uint64_t held = 0;           // of its messages
  std::uint64_t missing = 0;        // of its messages: not here yet, known to exist
  bool slow = false;                // keeps asking for what it has missed of ours
  std::uint64_t lag = 0;            // of our messages, when it last asked
  DatagramState datagrams_to = DatagramState::none;    // of our stream to it
  DatagramState datagrams_from = DatagramState::none;  // of its stream to us
};

// An endpoint of Options::seeds. One that is this peer's own is not listed.
struct SeedStatus {
  std::string seed;                    // as in the options
  std::vector<std::string> addresses;  // "host:port" that the name leads to; none: not known yet
  std::size_t answered = 0;            // of them, by a peer of this mesh that is still there
  Duration unanswered{};               // for how long none has; 0 while one has
  std::string reason;                  // why, as far as it is known
};

// A server that is asked, as of its last word.
struct ServerStatus {
  bool asked = false;       // there is one
  bool up = false;          // it answers
  bool primary = false;     // it takes changes now; false while it is down
  Duration since{};         // it has been up or down for so long
  std::string description;  // role at its start, address, version, start time; also while down
  std::string reason;       // why it is down; empty while it is up, and before the first try
  std::string degraded;     // as in ServerUp
};

struct Status {
  Origin origin;
  std::string name;
  std::string mesh;
  // The names of the keys that are accepted, as keygen shows them; the first one is used. Empty:
  // there is no key.
  std::vector<std::string> keys;
  std::uint16_t publish_port = 0;
  std::uint16_t direct_port = 0;
  Duration up{};

  std::vector<std::string> interfaces;  // on which it listens and beacons
  std::uint16_t beacon_port = 0;
  std::string other_mesh;  // "name at host" of the last beacon of another mesh; empty: none came
  // "host, why" of the last that was no member: a beacon of this mesh without a key of it, or a
  // call in another version of the protocol.
  std::string stranger;
  std::vector<SeedStatus> seeds;
  std::vector<PeerStatus> peers;

  bool gated = false;        // a database is watched
  std::optional<Tide> tide;  // the last reading; none while the server is down
  std::size_t held = 0;      // messages that wait for their change
  std::size_t held_bytes = 0;
  bool taking = true;                  // the application takes deliveries
  Duration untaken{};                  // for how long it has not
  Duration tide_still{};               // for how long the last reading has said the same
  std::optional<Position> held_first;  // the position that will be released next
  Duration held_longest{};             // for how long that one has waited

  bool primary_known = false;  // positions can be asked for now
  std::size_t unsent = 0;      // published, not sent yet
  std::size_t unsent_bytes = 0;
  std::uint64_t last_sequence = 0;  // of this peer's own stream
  std::optional<Position> last_position;
  std::size_t outgoing_bytes = 0;    // sent, but some reader has not taken them yet
  std::uint64_t retained_first = 1;  // of its own messages: what others can ask for
  std::size_t retained = 0;
  std::size_t retain_bytes = 0;

  ServerStatus database;          // that this application reads
  ServerStatus primary;           // that is asked for positions
  std::vector<Trouble> troubles;  // that last, the oldest first

  Counters counters;
  Timings timings;
};

}  // namespace tidegate
