// A reader's end of a path: one socket, to which one publisher sends (port.hpp).
//
// The first datagram that proves to be the publisher's shows its address. From then on the socket
// is connected to it, so the kernel drops what comes from elsewhere.
#pragma once

#include <optional>
#include <span>

#include "lib/keys/datagram_seal.hpp"
#include "lib/keys/replay_window.hpp"
#include "lib/mesh/datagram.hpp"
#include "peer/carriers/datagrams/intake.hpp"
#include "tidegate/origin.hpp"

namespace tidegate::datagrams {

class Reading final : public End {
 public:
  // Without a seal the mesh has no key.
  Reading(Intake& intake, io::Descriptor socket, const Origin& publisher, mesh::PathId path,
          const std::optional<keys::PathSeal>& seal);

  Arrival take(std::span<std::uint8_t> datagram, const Address& from) override;
  void look_at_errors() override {}  // nothing rests on them: what is lost is missed

  // Before the publisher has shown its address, nobody is told.
  void acknowledge(const mesh::DatagramAck& ack);

 private:
  [[nodiscard]] bool known(const Address& from, const mesh::PathNumber& number) const;
  void proved(const Address& from, std::uint64_t number);

  Origin publisher_;
  mesh::PathId path_;
  std::optional<keys::StreamOpener> opener_;
  keys::ReplayWindow window_;
  std::optional<Address> source_;
  Intake::Inlet inlet_;
};

}  // namespace tidegate::datagrams
