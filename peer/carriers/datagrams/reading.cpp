#include "peer/carriers/datagrams/reading.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "peer/carriers/datagrams/datagram_bytes.hpp"

namespace tidegate::datagrams {
namespace {

// A call may tell of an earlier datagram instead of sending this one.
constexpr int most_tries = 3;

void send_to_source(const io::Descriptor& socket, std::span<const std::uint8_t> bytes) {
  for (int tries = 0; tries < most_tries; ++tries) {
    if (send(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) >= 0) return;
    if (errno == EAGAIN || errno == ENOBUFS) return;
  }
}

}  // namespace

Reading::Reading(Intake& intake, io::Descriptor socket, const Origin& publisher, mesh::PathId path,
                 const std::optional<keys::PathSeal>& seal)
    : publisher_(publisher), path_(path), inlet_(intake, std::move(socket), *this) {
  if (seal) opener_.emplace(*seal);
}

Arrival Reading::take(std::span<std::uint8_t> datagram, const Address& from) {
  const auto size = static_cast<std::uint32_t>(datagram.size());
  const auto view = parse(datagram, opener_.has_value());
  if (!view) return Malformed{};
  if (const auto* probe = std::get_if<ProbeView>(&*view)) {
    if (!known(from, probe->number)) return Malformed{};
    if (opener_ && !opener_->learn(probe->number.number, size, *probe->key)) return Malformed{};
    proved(from, probe->number.number);
    return Frame{publisher_, probe->number, size, {}};
  }
  const auto* frame = std::get_if<FrameView>(&*view);
  if (frame == nullptr || !known(from, frame->number)) return Malformed{};
  if (opener_) {
    const auto& [label, mark] = *frame->seal;
    const auto opened = opener_->open(frame->number.number, label, mark, frame->bytes);
    if (opened == keys::StreamOpener::Opened::forged) return Malformed{};
    proved(from, frame->number.number);
    if (opened == keys::StreamOpener::Opened::unknown_key) return Malformed{};
  } else {
    proved(from, frame->number.number);
  }
  const std::string_view bytes(reinterpret_cast<const char*>(frame->bytes.data()),
                               frame->bytes.size());
  return Frame{publisher_, frame->number, size, bytes};
}

// As far as a datagram says it in the open.
bool Reading::known(const Address& from, const mesh::PathNumber& number) const {
  if (source_ && !same(*source_, from)) return false;
  return number.path == path_ && window_.fresh(number.number);
}

void Reading::proved(const Address& from, std::uint64_t number) {
  window_.take(number);
  if (source_) return;
  if (connect(inlet_.socket().get(), from.generic(), from.size) == 0) source_ = from;
}

void Reading::acknowledge(const mesh::DatagramAck& ack) {
  if (!source_) return;
  const auto plain = write_ack(path_, ack, opener_.has_value());
  if (!opener_) {
    send_to_source(inlet_.socket(), plain);
    return;
  }
  SealedAck sealed{};
  const auto mark = opener_->seal().mark_ack(plain);
  std::copy(plain.begin(), plain.end(), sealed.begin());
  std::copy(mark.begin(), mark.end(), sealed.begin() + plain_ack_bytes);
  send_to_source(inlet_.socket(), sealed);
}

}  // namespace tidegate::datagrams
