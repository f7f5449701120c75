#include "peer/inbox.hpp"

#include <utility>

#include <sys/eventfd.h>

#include "lib/base/must.hpp"
#include "lib/message/footprint.hpp"

namespace tidegate::peer {
namespace {

std::size_t bytes_of(const Incoming& incoming) {
  const auto* delivery = std::get_if<Delivery>(&incoming);
  return delivery != nullptr ? message::footprint(delivery->message) : 0;
}

Undelivered* as_undelivered(Incoming& incoming) {
  auto* notice = std::get_if<Notice>(&incoming);
  return notice != nullptr ? std::get_if<Undelivered>(notice) : nullptr;
}

}  // namespace

Inbox::Inbox() : readable_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { TIDEGATE_MUST(readable_); }

std::size_t Inbox::push(Incoming incoming) {
  const std::lock_guard lock(mutex_);
  if (!merge(incoming)) {
    bytes_ += bytes_of(incoming);
    queue_.push_back(std::move(incoming));
  }
  show_readable();
  arrived_.notify_one();
  return bytes_;
}

std::optional<Incoming> Inbox::pop(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return closed_ || !queue_.empty(); };
  if (timeout.count() < 0) {
    arrived_.wait(lock, ready);
  } else if (timeout.count() > 0 && !ready()) {  // a wait of no time still costs a switch
    arrived_.wait_for(lock, timeout, ready);
  }
  if (queue_.empty()) return std::nullopt;
  auto incoming = std::move(queue_.front());
  queue_.pop_front();
  bytes_ -= bytes_of(incoming);
  show_readable();
  return incoming;
}

void Inbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  show_readable();
  arrived_.notify_all();
}

std::size_t Inbox::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

bool Inbox::merge(const Incoming& incoming) {
  const auto* after = as_undelivered(const_cast<Incoming&>(incoming));
  if (after == nullptr) return false;
  // Those of several origins come in turns: the one to grow stands among the last.
  for (auto behind = queue_.size(); behind > 0; --behind) {
    auto* before = as_undelivered(queue_[behind - 1]);
    if (before == nullptr) return false;
    if (before->origin != after->origin) continue;
    if (before->why != after->why || before->last + 1 != after->first) return false;
    before->last = after->last;
    before->position = after->position;
    before->topic.reset();  // of several
    return true;
  }
  return false;
}

void Inbox::show_readable() {
  const bool readable = closed_ || !queue_.empty();
  if (readable == shown_) return;
  shown_ = readable;
  eventfd_t value = 0;
  TIDEGATE_MUST(
      (readable ? eventfd_write(readable_.get(), 1) : eventfd_read(readable_.get(), &value)) == 0);
}

}  // namespace tidegate::peer
