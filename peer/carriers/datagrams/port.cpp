#include "peer/carriers/datagrams/port.hpp"

#include <map>
#include <utility>

#include <sodium.h>

#include "lib/base/must.hpp"
#include "peer/carriers/datagrams/intake.hpp"
#include "peer/carriers/datagrams/reading.hpp"
#include "peer/carriers/datagrams/sending.hpp"
#include "peer/carriers/datagrams/sockets.hpp"

namespace tidegate::datagrams {

struct Port::Parts {
  explicit Parts(bool is_sealed) : sealed(is_sealed), sending(intake, is_sealed) {}

  const bool sealed;
  Intake intake;  // outlives what takes from it
  std::map<Origin, Reading> readings;
  Sending sending;
};

Port::Port(bool sealed) : parts_(std::make_unique<Parts>(sealed)) {}

Port::~Port() = default;

void Port::attach(io::Reactor& reactor) { parts_->intake.attach(reactor); }

std::optional<mesh::PathSocket> Port::open(const Origin& publisher, mesh::PathId path,
                                           const std::string& host) {
  close(publisher);
  const auto there = parse_address(host, 0);
  const auto own = there ? own_address_towards(*there) : std::nullopt;
  if (!own) return std::nullopt;
  auto socket = open_socket(*own, Errors::plain);
  const auto bound = socket ? bound_to(socket) : std::nullopt;
  if (!bound) return std::nullopt;
  mesh::PathSocket opened{bound->port(), capacity_of(socket), {}};
  std::optional<keys::PathSeal> seal;
  if (parts_->sealed) {
    randombytes_buf(opened.secret.data(), opened.secret.size());
    seal.emplace(path, keys::Secret(opened.secret));
  }
  parts_->readings.try_emplace(publisher, parts_->intake, std::move(socket), publisher, path, seal);
  return opened;
}

void Port::close(const Origin& publisher) { parts_->readings.erase(publisher); }

void Port::acknowledge(const Origin& publisher, const mesh::DatagramAck& ack) {
  const auto found = parts_->readings.find(publisher);
  if (found != parts_->readings.end()) found->second.acknowledge(ack);
}

bool Port::admit(mesh::PathId path, const base::Endpoint& reader, const mesh::PathSecret& secret) {
  return parts_->sending.admit(path, reader, secret);
}

void Port::drop(mesh::PathId path) { parts_->sending.drop(path); }

void Port::renew_key() { parts_->sending.renew_key(); }

void Port::probe(const mesh::PathNumber& number, std::uint32_t size) {
  parts_->sending.probe(number, size);
}

void Port::send(std::span<const mesh::PathNumber> numbers, std::string_view frame) {
  parts_->sending.send(numbers, frame);
}

std::optional<Arrival> Port::receive() {
  if (const auto broken = parts_->sending.take_broken()) return *broken;
  auto arrival = parts_->intake.take();
  if (arrival) return arrival;
  // Looking for datagrams may have shown that a path is broken.
  if (const auto broken = parts_->sending.take_broken()) return *broken;
  return std::nullopt;
}

bool Port::pending() const { return parts_->sending.has_broken() || parts_->intake.pending(); }

}  // namespace tidegate::datagrams
