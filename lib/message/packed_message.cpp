#include "lib/message/packed_message.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/limits.hpp"
#include "lib/message/footprint.hpp"

namespace tidegate::message {
namespace {

// Copying so much takes about as long as what else is done for a message.
constexpr std::size_t large_bytes = 4096;

// In the length of a topic: headers follow it.
constexpr std::uint16_t headers_follow = 0x8000;

// --- headers: their footprint, their number, and their texts ------------------------------------

using Number = std::uint16_t;

constexpr std::size_t headers_room(std::size_t footprint) {
  // Their overhead in the footprint has room for two lengths.
  static_assert(header_overhead >= 2 * sizeof(Number));
  return 2 * sizeof(Number) + footprint;
}

Number read_number(const char*& at) {
  Number value = 0;
  std::memcpy(&value, at, sizeof value);
  at += sizeof value;
  return value;
}

char* write_number(std::size_t number, char* to) {
  const auto value = static_cast<Number>(number);
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}

std::string read_text(const char*& at) {
  const auto size = read_number(at);
  return {std::exchange(at, at + size), size};
}

char* write_text(std::string_view text, char* to) {
  return std::copy(text.begin(), text.end(), write_number(text.size(), to));
}

void write_headers(const Headers& headers, std::size_t footprint, char* to) {
  to = write_number(headers.size(), write_number(footprint, to));
  for (const auto& header : headers) to = write_text(header.value, write_text(header.name, to));
}

Headers read_headers(const char* at) {
  at += sizeof(Number);
  std::vector<Header> headers(read_number(at));
  for (auto& header : headers) {
    header.name = read_text(at);
    header.value = read_text(at);
  }
  return headers;
}

}  // namespace

bool PackedMessage::Head::large() const { return payload_bytes > large_bytes; }

bool PackedMessage::Head::has_headers() const { return (topic_bytes & headers_follow) != 0; }

std::size_t PackedMessage::Head::topic_room() const {
  return static_cast<std::size_t>(topic_bytes & ~headers_follow);
}

std::size_t PackedMessage::Head::payload_room() const {
  return large() ? sizeof(std::string) : payload_bytes;
}

std::string& PackedMessage::Head::large_payload() {
  return *std::launder(reinterpret_cast<std::string*>(content()));
}

PackedMessage::PackedMessage(Message message) {
  // Its elements and as many lengths.
  static_assert(base::limits::topic_bytes + 3 * base::limits::topic_elements < headers_follow);
  static_assert(base::limits::header_bytes + base::limits::message_headers * header_overhead <=
                std::numeric_limits<Number>::max());
  static_assert(sizeof(Head) == 8 && sizeof(Head) % alignof(std::string) == 0);
  const auto& topic = message.topic.packed_;
  const auto& headers = message.headers;
  const auto headers_footprint = message::footprint(headers);
  const auto flag = headers.empty() ? 0U : headers_follow;
  const Head head{static_cast<std::uint32_t>(message.payload.size()),
                  static_cast<std::uint16_t>(topic.size() | flag), message.topic.bytes_};
  const auto end = headers.empty() ? 0 : headers_room(headers_footprint);
  void* memory = ::operator new(sizeof head + head.payload_room() + topic.size() + end);
  head_.reset(new (memory) Head(head));
  auto* const content = head_->content();
  if (head.large()) {
    new (content) std::string(std::move(message.payload));
  } else {
    message.payload.copy(content, message.payload.size());
  }
  topic.copy(content + head.payload_room(), topic.size());
  if (!headers.empty()) write_headers(headers, headers_footprint, head_->headers());
}

std::size_t PackedMessage::footprint() const {
  const auto rest = footprint_of(head_->payload_bytes, head_->topic_weight);
  if (!head_->has_headers()) return rest;
  const char* at = head_->headers();
  return rest + read_number(at);
}

void PackedMessage::prefetch() const {
  // Blindly, since its length is not here yet either. The processor finds the rest by itself.
  constexpr std::size_t line = 64;
  constexpr std::size_t usual_bytes = 6 * line;
  const auto* const memory = reinterpret_cast<const char*>(head_.get());
  for (std::size_t at = 0; at < usual_bytes; at += line) __builtin_prefetch(memory + at);
}

Message PackedMessage::unpack() {
  auto* const content = head_->content();
  Topic topic(std::string(content + head_->payload_room(), head_->topic_room()));
  return {std::move(topic),
          head_->large() ? std::move(head_->large_payload())
                         : std::string(content, head_->payload_bytes),
          std::nullopt, std::nullopt,
          head_->has_headers() ? read_headers(head_->headers()) : Headers()};
}

void PackedMessage::Destroy::operator()(Head* head) const {
  if (head->large()) std::destroy_at(&head->large_payload());
  ::operator delete(head);
}

}  // namespace tidegate::message
