#include "peer/mailbox.hpp"

#include <utility>

namespace tidegate::peer {

Mailbox::Posted Mailbox::post(Command command, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  return push(std::move(command), bytes);
}

std::pair<Mailbox::Posted, Ticket> Mailbox::publish(node::input::Publish publish,
                                                    std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto posted = push(std::move(publish), bytes);
  return {posted, posted == Posted::no ? 0 : ++last_ticket_};
}

Mailbox::Posted Mailbox::push(Command command, std::size_t bytes) {
  if (closed_) return Posted::no;
  bytes_ += bytes;
  queue_.push_back(std::move(command));
  return queue_.size() == 1 ? Posted::first : Posted::more;
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
