// Every knob of a peer, with its unit, its default and its effect.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tidegate/export.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/time.hpp"

namespace tidegate {

// The first message that a joining peer gets of another one.
enum class From : std::uint8_t {
  latest,    // the next one that it publishes
  earliest,  // the first one that it still retains
};

// How peers on the same host are reached.
enum class LocalTransport : std::uint8_t {
  tcp,
  ipc,  // over abstract Unix sockets, which let in peers of the same user: less work for the kernel
};

// The place in the stream of one publisher, as its deliveries name them.
struct Cursor {
  Origin publisher;        // Delivery::origin
  std::uint64_t next = 1;  // the first sequence that is wanted

  friend bool operator==(const Cursor&, const Cursor&) = default;
};

// The fate of a message that has been held for `overdue_after`.
enum class Overdue : std::uint8_t {
  hold,  // nothing: it stays held
  late,  // it is delivered all the same, marked as late: its change is not visible here
  drop,  // it is reported as undelivered
};

// Whether an application receives what it publishes itself, where it has subscribed to it.
enum class OwnMessages : std::uint8_t {
  none,     // no
  at_once,  // once it is sent, whatever the server that the application reads shows
  gated,    // as those of others: once that server shows the change
};

// Durations: Duration::max() means for ever.
struct Options {
  // Peers of one mesh name find each other; others are ignored. 1 to 32 printable ASCII
  // characters without space.
  std::string mesh = "default";

  // For people: shown by the others' `tidegate peers`. Up to 64 bytes of text; empty: the host's
  // name and the process id.
  std::string name = {};

  // A file in which the peer keeps its identity and the end of its stream; it is made if it is not
  // there. So a restarted application is the same publisher: its sequences go on, nothing is
  // delivered twice, and what was lost with the former life is reported. For one process at a time.
  // Empty: a new identity at each start.
  std::string state_file = {};

  // File with the key of the mesh, as `tidegate keygen` prints it. Peers with the same key form the
  // mesh; nobody else can read it, join it or speak in it. Only the user of the application may be
  // able to read the file, or root and a group if it is root's. Several keys: the first is used,
  // all are accepted (docs/keys.md). Empty: no key.
  std::string key_file = {};

  // The text of such a file instead, for an application that keeps its secrets elsewhere.
  std::string keys = {};

  // Without a key the peer stays on the loopback interface, where every process of the host may
  // join. This lets it use others all the same: everybody who reaches them can join, too.
  bool insecure = false;

  // Network interfaces on which the peer listens and beacons.
  std::vector<std::string> interfaces = {"lo"};

  // UDP port of the beacon, the same for all peers of a mesh.
  std::uint16_t beacon_port = 17880;

  // Endpoints "host:port" of the direct sockets of peers that a beacon does not reach.
  std::vector<std::string> seeds = {};

  // The peer takes the first two free TCP ports of this range, both ends included. Ports that the
  // system gives to outgoing connections (32768 to 60999 on Linux) are refused: dialling a dead
  // one on the same host can connect to itself.
  std::uint16_t first_port = 17900;
  std::uint16_t last_port = 18899;

  // For peers that were heard on the loopback address. Every peer that listens there can be reached
  // in both ways, so those of one mesh may choose differently.
  LocalTransport local_transport = LocalTransport::tcp;

  // Short messages also travel in UDP datagrams, between peers that both want it, where the way
  // lets them through: that is faster, and repaired over the connections. The ports are given by
  // the system.
  bool datagrams = true;

  // The server that this application reads; its replay is watched. A libpq connection string or a
  // postgresql:// URL. Without one messages are delivered at once.
  std::optional<std::string> database = {};

  // The server where changes are committed; positions are taken there. Several hosts with
  // target_session_attrs=primary follow a failover. Without one: `database`, when that is a
  // primary.
  std::optional<std::string> primary = {};

  // Bytes of messages that wait for their change. Beyond it arriving messages are refused and
  // fetched again when there is room, as long as their publisher retains them. One publisher may
  // have three times what is left free, so alone three quarters of it.
  std::size_t held_bytes = std::size_t{256} << 20U;

  // Bytes of deliveries and notices that the application has not taken yet. Beyond it messages stay
  // held. Of notices that are no answer to publish() no more than that are kept: a Warning in their
  // place says how many were dropped (notice.hpp).
  std::size_t inbox_bytes = std::size_t{16} << 20U;

  // Bytes of published messages that are not sent yet, for example while the primary is down, and
  // of the answers to earlier ones (Sent, Received, Unpublished) that the application has not taken
  // yet. Beyond it publish() refuses. For messages that are to be acknowledged those count too that
  // wait for it, each for as much as a Received that names all ready peers.
  std::size_t unsent_bytes = std::size_t{64} << 20U;

  // Bytes of one payload that publish() takes; at most 16 MiB, which is also what is accepted from
  // others.
  std::size_t payload_bytes = std::size_t{1} << 20U;

  // Bytes and age of own messages that a peer retains for those that have missed them.
  std::size_t retain_bytes = std::size_t{64} << 20U;
  Duration retain_for = std::chrono::minutes(5);

  // Each message that was sent is answered by a Sent (notice.hpp). One that can't be sent always
  // comes back.
  bool report_sent = false;

  // A file to which the peer appends what decides on its deliveries, one JSON object a line: the
  // readings of its servers, and each message with its dependencies when it is published, sent,
  // delivered, reported or given back (docs/record.md). The records of all peers of a mesh can be
  // held against the model of docs/theory.md. Some 300 bytes for each message that is sent, and for
  // each that is delivered; payloads are left out. Empty: none.
  std::string record = {};

  From from = From::latest;

  // Where to begin instead in the streams of these publishers, for an application that has written
  // down how far it has come: it gets all from there on, once and in order, and an Undelivered
  // (expired) names exactly what the publisher does not retain any more, or a NotResumed tells why
  // that can't be said. One that is not there when the peer starts is resumed when it comes;
  // nothing tells of one that never comes.
  std::vector<Cursor> resume = {};

  // Own messages come as deliveries of this peer, each once, in the order in which they were sent.
  // While there is no room for them they wait among those that are retained: beyond `retain_bytes`
  // or `retain_for` they are reported as Undelivered.
  OwnMessages own_messages = OwnMessages::none;

  Overdue overdue = Overdue::hold;
  Duration overdue_after = std::chrono::minutes(1);

  // Interval between heartbeats.
  Duration heartbeat = std::chrono::milliseconds(500);

  // Silence after which a peer is suspect, and after which it is gone.
  Duration suspect_after = std::chrono::seconds(2);
  Duration gone_after = std::chrono::seconds(6);
};

// One wrong setting: which, and what to write instead.
struct Problem {
  std::string option;  // the member's name, with '-' for '_', as on the command line
  std::string what;

  friend bool operator==(const Problem&, const Problem&) = default;
};

[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(LocalTransport transport);
[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(From from);
[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(Overdue overdue);
[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(OwnMessages own);

// All that is wrong, in the order of the members; empty when the options can be used.
[[nodiscard]] TIDEGATE_EXPORT std::vector<Problem> validate(const Options& options);

}  // namespace tidegate
