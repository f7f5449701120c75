#include "lib/message/packed_message.hpp"

#include <limits>
#include <new>
#include <utility>

#include "lib/base/limits.hpp"
#include "lib/message/footprint.hpp"

namespace tidegate::message {
namespace {

// Copying so much takes about as long as what else is done for a message.
constexpr std::size_t large_bytes = 4096;

}  // namespace

bool PackedMessage::Head::large() const { return payload_bytes > large_bytes; }

std::string& PackedMessage::Head::large_payload() {
  return *std::launder(reinterpret_cast<std::string*>(content()));
}

PackedMessage::PackedMessage(Message message) {
  // Its elements and as many lengths.
  static_assert(base::limits::topic_bytes + 3 * base::limits::topic_elements <=
                std::numeric_limits<decltype(Head::topic_bytes)>::max());
  static_assert(sizeof(Head) == 8 && sizeof(Head) % alignof(std::string) == 0);
  const auto& topic = message.topic.packed_;
  const Head head{static_cast<std::uint32_t>(message.payload.size()),
                  static_cast<std::uint16_t>(topic.size()), message.topic.bytes_};
  const auto payload_room = head.large() ? sizeof(std::string) : head.payload_bytes;
  void* memory = ::operator new(sizeof head + payload_room + topic.size());
  head_.reset(new (memory) Head(head));
  auto* const content = head_->content();
  if (head.large()) {
    new (content) std::string(std::move(message.payload));
  } else {
    message.payload.copy(content, message.payload.size());
  }
  topic.copy(content + payload_room, topic.size());
}

std::size_t PackedMessage::footprint() const {
  return footprint_of(head_->payload_bytes, head_->topic_weight);
}

void PackedMessage::prefetch() const {
  // Blindly, since its length is not here yet either. The processor finds the rest by itself.
  constexpr std::size_t line = 64;
  constexpr std::size_t usual_bytes = 6 * line;
  const auto* const memory = reinterpret_cast<const char*>(head_.get());
  for (std::size_t at = 0; at < usual_bytes; at += line) __builtin_prefetch(memory + at);
}

Message PackedMessage::unpack() {
  const auto topic_at = [this](std::size_t offset) {
    return Topic(std::string(head_->content() + offset, head_->topic_bytes));
  };
  if (head_->large()) {
    return {topic_at(sizeof(std::string)), std::move(head_->large_payload()), std::nullopt};
  }
  return {topic_at(head_->payload_bytes), std::string(head_->content(), head_->payload_bytes),
          std::nullopt};
}

void PackedMessage::Destroy::operator()(Head* head) const {
  if (head->large()) std::destroy_at(&head->large_payload());
  ::operator delete(head);
}

}  // namespace tidegate::message
