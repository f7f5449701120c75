#include "outbound_stream.hpp"

namespace tidegate {

void OutboundStream::raise(const Position& position) {
  // Positions of two clusters can't be compared. The newer word wins: whoever is moved to another
  // cluster must not wait there for a place of the old one.
  const bool moved = highest_ && highest_->system != position.system;
  if (!highest_ || moved || position > *highest_) highest_ = position;
}

std::uint64_t OutboundStream::append(Message& message) {
  if (message.position) raise(*message.position);
  message.position = highest_;
  return ++last_;
}

void OutboundStream::delivered(const Position& position) { raise(position); }

}  // namespace tidegate
