#include "peer/carriers/datagrams/intake.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lib/base/must.hpp"

namespace tidegate::datagrams {

Intake::Intake() {
  for (std::size_t at = 0; at < at_once; ++at) {
    parts_[at] = {buffers_[at].data(), buffers_[at].size()};
    auto& message = messages_[at].msg_hdr;
    message.msg_name = from_[at].generic();
    message.msg_iov = &parts_[at];
    message.msg_iovlen = 1;
  }
}

Intake::Inlet::Inlet(Intake& intake, io::Descriptor socket, End& end)
    : intake_(intake), socket_(std::move(socket)), end_(end) {
  TIDEGATE_MUST(intake_.reactor_ != nullptr);
  watch_ = intake_.reactor_->watch_input(socket_.get(), [this](io::Readiness ready) {
    error_ = error_ || ready.error;
    intake_.mark(*this);
  });
}

Intake::Inlet::~Inlet() { intake_.forget(*this); }

std::optional<Arrival> Intake::take() {
  while (taken_ == filled_) {
    if (marked_.empty()) return std::nullopt;
    fill();
  }
  const auto at = taken_++;
  const auto& message = messages_[at];
  from_[at].size = message.msg_hdr.msg_namelen;
  if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) return Malformed{};
  return source_->end_.take(std::span(buffers_[at]).first(message.msg_len), from_[at]);
}

void Intake::mark(Inlet& inlet) {
  if (std::exchange(inlet.marked_, true)) return;
  marked_.push_back(&inlet);
}

void Intake::forget(const Inlet& inlet) {
  std::erase(marked_, &inlet);
  if (source_ != &inlet) return;
  source_ = nullptr;
  taken_ = filled_ = 0;
}

// From the socket whose turn it is.
void Intake::fill() {
  auto& inlet = *marked_.front();
  marked_.erase(marked_.begin());
  inlet.marked_ = false;
  source_ = &inlet;
  taken_ = filled_ = 0;
  for (auto& message : messages_) message.msg_hdr.msg_namelen = Address::room;
  const int count = recvmmsg(inlet.socket_.get(), messages_.data(), at_once, MSG_DONTWAIT, nullptr);
  if (std::cmp_equal(count, at_once)) mark(inlet);
  if (count > 0) filled_ = static_cast<std::size_t>(count);
  // After an error there may be more, which the reactor knows.
  const bool error = count < 0 && errno != EAGAIN && errno != EINTR;
  if (std::exchange(inlet.error_, false) || error) inlet.end_.look_at_errors();
}

}  // namespace tidegate::datagrams
