// The UDP sockets of a peer, by which streams come and go in datagrams (lib/mesh/datagram.hpp).
//
// - One socket for each publisher that this peer reads, since Linux bounds and fills the buffer of
//   each for itself. It is connected to the publisher as soon as that has proved to be it: then the
//   kernel drops what strangers send.
// - One socket for each own address from which datagrams go to readers, whose acknowledgements come
//   back there. All that goes to many readers at once goes in one system call.
// - Nothing is fragmented: a datagram that is too long for the way is an error here (BrokenPath),
//   or lost.
// - Where the mesh has a key, a frame is sealed once for all its readers, and each gets a mark of
//   its own, which nobody but the publisher can make: not another reader either
//   (lib/keys/datagram_seal.hpp). A datagram that comes again is dropped.
//
// The mesh knows that datagrams get lost; so does this. Nothing waits. Threads: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/endpoint.hpp"
#include "lib/mesh/datagram.hpp"
#include "peer/carriers/datagrams/arrival.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/origin.hpp"

namespace tidegate::datagrams {

class Port {
 public:
  // Sealed, or in a mesh without a key.
  explicit Port(bool sealed);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port();

  // From now on every arrival ends the waits of the reactor, which outlives the port. Called once,
  // before anything below.
  void attach(io::Reactor& reactor);

  // --- as a reader ---

  // A socket for this path, at the address by which the publisher at `host` is reached, which is an
  // address and no name. Nothing: the system has none to give. A path that was open for that
  // publisher is closed.
  [[nodiscard]] std::optional<mesh::PathSocket> open(const Origin& publisher, mesh::PathId path,
                                                     const std::string& host);
  void close(const Origin& publisher);
  // To where its datagrams come from: before the first one nobody is told.
  void acknowledge(const Origin& publisher, const mesh::DatagramAck& ack);

  // --- as a publisher ---

  // Where a path leads; in place of what was admitted as this path. False: not an address, no way
  // there, no socket to be had, or the reader has a secret where the mesh has no key, or the other
  // way round.
  [[nodiscard]] bool admit(mesh::PathId path, const base::Endpoint& reader,
                           const mesh::PathSecret& secret);
  void drop(mesh::PathId path);

  // Seals with another key from now on, which readers learn from the next probe: until it has come
  // they can't read frames, and drop them.
  void renew_key();

  // A datagram of this size in all, at least 93.
  void probe(const mesh::PathNumber& number, std::uint32_t size);
  // The frame, which is not empty, to each of these that is admitted. It and
  // mesh::datagram_head_bytes fit what the paths let through.
  void send(std::span<const mesh::PathNumber> numbers, std::string_view frame);

  // --- both ---

  // The next thing that has arrived; nothing when there is no more. Every datagram that has come is
  // told, so a flood of strangers' costs a call no more than others do.
  [[nodiscard]] std::optional<Arrival> receive();

  // receive() may have something that the reactor does not know of.
  [[nodiscard]] bool pending() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tidegate::datagrams
