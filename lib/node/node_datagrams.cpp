// How a node takes part in the way of streams by datagrams: as a publisher and as a reader.
#include "lib/node/from_mesh.hpp"
#include "lib/node/node.hpp"

namespace tidegate::node {

bool Node::called(input::FromRoute& from, mesh::DatagramOffer& frame, Instant now,
                  Effects& effects) {
  if (roster_.asking(frame.origin, now, FromMesh(effects)) == nullptr) return false;
  if (frame.target != self_.origin) return false;
  if (datagrams_) sender_.offered(frame, from.host, stream_.last(), now, FromMesh(effects));
  return true;
}

const mesh::SendPlan& Node::send_plan(std::uint64_t last, std::size_t bytes, Instant now) {
  const auto& plan = sender_.plan(last, bytes, now);
  counters_.datagrams_sent += plan.datagrams.size();
  return plan;
}

void Node::handle(input::Probed& in, Instant now, Effects& effects) {
  auto* member = roster_.publisher(in.publisher, now, FromMesh(effects));
  const bool expected =
      member != nullptr && paths_.arrived(*member, in.datagram, mesh::DatagramReceiver::Kind::probe,
                                          now, FromMesh(effects));
  if (!expected) ++counters_.unexpected;
}

void Node::handle(input::Acknowledged& in, Instant now, Effects&) {
  sender_.acknowledged(in.path, in.ack, now);
}

void Node::handle(input::PathBroken& in, Instant now, Effects&) { sender_.broken(in.path, now); }

void Node::handle(input::PathOpened& in, Instant now, Effects& effects) {
  paths_.opened(in.publisher, in.path, in.socket, now, FromMesh(effects));
}

}  // namespace tidegate::node
