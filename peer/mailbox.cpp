#include "peer/mailbox.hpp"

#include <utility>

namespace tidegate::peer {

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
  if (queue_.empty()) wake_();
  bytes_ += bytes;
  queue_.push_back(std::move(command));
  return true;
}

std::vector<Command> Mailbox::take() {
  const std::lock_guard lock(mutex_);
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
