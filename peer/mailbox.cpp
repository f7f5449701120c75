#include "peer/mailbox.hpp"

#include <utility>

#include <sys/eventfd.h>

#include "lib/base/must.hpp"

namespace tidegate::peer {

Mailbox::Mailbox() : posted_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { TIDEGATE_MUST(posted_); }

bool Mailbox::post(Command command, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  return push(std::move(command), bytes);
}

Ticket Mailbox::publish(node::input::Publish publish, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  return push(std::move(publish), bytes) ? ++last_ticket_ : 0;
}

bool Mailbox::push(Command command, std::size_t bytes) {
  if (closed_) return false;
  // One wake-up for all that is posted until the loop takes it.
  if (queue_.empty()) TIDEGATE_MUST(eventfd_write(posted_.get(), 1) == 0);
  bytes_ += bytes;
  queue_.push_back(std::move(command));
  return true;
}

std::vector<Command> Mailbox::take() {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return {};
  eventfd_t value = 0;
  TIDEGATE_MUST(eventfd_read(posted_.get(), &value) == 0);
  bytes_ = 0;
  return std::exchange(queue_, {});
}

void Mailbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

std::size_t Mailbox::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace tidegate::peer
