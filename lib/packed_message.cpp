#include "packed_message.hpp"

#include <cstring>
#include <limits>
#include <new>
#include <utility>
#include <vector>

#include "limits.hpp"

namespace tidegate {
namespace {

using Length = std::uint16_t;

// Copying so much takes about as long as what else is done for a message.
constexpr std::size_t large_bytes = 4096;

static_assert(limits::topic_bytes <= std::numeric_limits<Length>::max());

char* append(char* to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
  return to + bytes;
}

std::size_t packed_bytes(const Topic& topic) {
  return topic.bytes() + topic.elements().size() * sizeof(Length);
}

void pack(const Topic& topic, char* to) {
  for (const auto& element : topic.elements()) {
    const auto length = static_cast<Length>(element.size());
    to = append(append(to, &length, sizeof length), element.data(), element.size());
  }
}

}  // namespace

bool PackedMessage::Head::large() const { return payload_bytes > large_bytes; }

std::string& PackedMessage::Head::large_payload() {
  return *std::launder(reinterpret_cast<std::string*>(content()));
}

Topic PackedMessage::Head::topic(std::size_t offset) {
  std::vector<std::string> elements;
  elements.reserve(topic_elements);
  const auto* from = content() + offset;
  while (elements.size() < topic_elements) {
    Length length = 0;
    std::memcpy(&length, from, sizeof length);
    elements.emplace_back(from + sizeof length, length);
    from += sizeof length + length;
  }
  return Topic::of(std::move(elements)).value();
}

PackedMessage::PackedMessage(Message message, std::uint64_t sequence, Instant since) {
  static_assert(sizeof(Head) % alignof(std::string) == 0);
  Head head{message.position.value_or(Position{}).lsn, sequence, since,
            static_cast<std::uint32_t>(message.payload.size()),
            static_cast<std::uint16_t>(message.topic.elements().size())};
  const auto payload_room = head.large() ? sizeof(std::string) : head.payload_bytes;
  void* memory = ::operator new(sizeof head + payload_room + packed_bytes(message.topic));
  head_.reset(new (memory) Head(head));
  auto* const content = head_->content();
  if (head.large()) {
    new (content) std::string(std::move(message.payload));
  } else {
    append(content, message.payload.data(), message.payload.size());
  }
  pack(message.topic, content + payload_room);
}

Message PackedMessage::unpack() {
  if (head_->large()) {
    return {head_->topic(sizeof(std::string)), std::move(head_->large_payload()), std::nullopt};
  }
  return {head_->topic(head_->payload_bytes), std::string(head_->content(), head_->payload_bytes),
          std::nullopt};
}

void PackedMessage::Destroy::operator()(Head* head) const {
  if (head->large()) std::destroy_at(&head->large_payload());
  ::operator delete(head);
}

}  // namespace tidegate
