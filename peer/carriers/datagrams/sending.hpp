// The publisher's end of all paths (port.hpp): where each leads, and one socket for each own
// address from which datagrams go, called an outlet.
//
// An acknowledgement counts if it comes to the outlet of its path, from the reader's own address
// and port, with its mark where there is a key, tells of a datagram that was sent, and is not older
// than one before.
//
// The system tells some errors late: that a reader has gone is known with the next datagram that
// goes out, to whomever. So each outlet asks to whom an error belongs, and the others get theirs.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/base/endpoint.hpp"
#include "lib/keys/datagram_seal.hpp"
#include "lib/mesh/datagram.hpp"
#include "peer/carriers/datagrams/address.hpp"
#include "peer/carriers/datagrams/datagram_bytes.hpp"
#include "peer/carriers/datagrams/intake.hpp"

namespace tidegate::datagrams {

class Outlet;

// One path, to one reader.
struct Path {
  mesh::PathId id = 0;
  Address reader;
  Outlet* outlet = nullptr;
  std::optional<keys::PathSeal> seal;
  std::uint64_t sent = 0;  // the highest number
  mesh::DatagramAck last;
  bool broken = false;  // since the last datagram that the system has taken
};

class Sending {
 public:
  Sending(Intake& intake, bool sealed);
  Sending(const Sending&) = delete;
  Sending& operator=(const Sending&) = delete;
  ~Sending();

  [[nodiscard]] bool admit(mesh::PathId id, const base::Endpoint& reader,
                           const mesh::PathSecret& secret);
  void drop(mesh::PathId id);
  void renew_key();
  void probe(const mesh::PathNumber& number, std::uint32_t size);
  void send(std::span<const mesh::PathNumber> numbers, std::string_view frame);

  [[nodiscard]] std::optional<BrokenPath> take_broken();
  [[nodiscard]] bool has_broken() const { return !broken_.empty(); }

 private:
  friend class Outlet;

  Path* find(mesh::PathId id);
  Outlet* outlet_towards(const Address& reader);
  void close_idle_outlets();
  void set_broken(Path& path);
  Arrival take_ack(const AckView& view, const Outlet& outlet, const Address& from);

  Intake& intake_;
  std::optional<keys::StreamSeal> seal_;
  std::unordered_map<mesh::PathId, Path> paths_;
  std::vector<std::unique_ptr<Outlet>> outlets_;
  std::deque<mesh::PathId> broken_;
  std::vector<std::uint8_t> body_;  // of what is being sent
};

}  // namespace tidegate::datagrams
