#include "peer/carriers/zeromq/receiving.hpp"

#include <algorithm>
#include <utility>

#include "lib/mesh/stream_part.hpp"
#include "peer/carriers/zeromq/sockets.hpp"

namespace tidegate::zeromq {
namespace {

constexpr int parts_at_once = 64;
constexpr std::size_t looked_at = 3;

// Nothing is waited for, and a signal interrupts nothing.
bool receive(zmq::socket_t& socket, zmq::message_t& part) {
  return uninterrupted([&] { return socket.recv(part, zmq::recv_flags::dontwait); }).has_value();
}

}  // namespace

std::size_t bytes_on_wire(std::size_t size, bool sealed) {
  constexpr std::size_t seal = 33;  // the command's name, a nonce, a MAC and the flags
  const auto body = size + (sealed ? seal : 0);
  return body + (body > 255 ? 9 : 2);
}

Taken Inlet::take(zmq::socket_t& socket, std::vector<zmq::message_t>& parts, Intake& intake) {
  parts.clear();
  const auto taken = in_rest_ ? Taken::rest : Taken::message;
  const bool named = enveloped_ && !in_rest_;  // ZeroMQ adds where it comes from
  for (int i = 0; i < parts_at_once; ++i) {
    zmq::message_t part;
    if (!receive(socket, part)) {
      if (i == 0) intake.found_empty();
      return i == 0 ? Taken::nothing : taken;
    }
    if (i > 0 || !named) intake.took(bytes_on_wire(part.size(), sealed_));
    in_rest_ = part.more();
    if (parts.size() < looked_at) parts.push_back(std::move(part));
    if (!in_rest_) return taken;
  }
  return taken;
}

std::optional<carriers::SubscriptionChange> subscription_in(std::string_view bytes) {
  carriers::SubscriptionChange change;
  constexpr std::size_t id_at = 2;
  if (bytes.size() != id_at + change.peer.bytes.size() || bytes[1] != '@' ||
      (bytes[0] != 0 && bytes[0] != 1)) {
    return std::nullopt;
  }
  std::copy(bytes.begin() + id_at, bytes.end(), change.peer.bytes.begin());
  change.present = bytes[0] == 1;
  return change;
}

bool is_of_a_part(std::string_view bytes) {
  if (bytes.empty() || (bytes[0] != 0 && bytes[0] != 1)) return false;
  const auto frame = mesh::stream_part::frame_in(bytes.substr(1));
  return frame && frame->empty();
}

bool take_part(zmq::socket_t& socket, zmq::message_t& part, Intake& intake) {
  if (receive(socket, part)) return true;
  intake.found_empty();
  return false;
}

}  // namespace tidegate::zeromq
