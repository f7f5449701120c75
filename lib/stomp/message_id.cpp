#include "lib/stomp/message_id.hpp"

#include "lib/base/decimal.hpp"

namespace tidegate::stomp {
namespace {

// Takes the number behind a '-'.
std::optional<std::uint64_t> take_part(std::string_view& text) {
  if (!text.starts_with('-')) return std::nullopt;
  text.remove_prefix(1);
  return base::take_number<std::uint64_t>(text);
}

}  // namespace

std::string to_string(const MessageId& id) {
  return to_string(id.origin.peer) + "-" + std::to_string(id.origin.incarnation) + "-" +
         std::to_string(id.sequence);
}

std::optional<MessageId> message_id_from(std::string_view text) {
  MessageId id;
  auto rest = text;
  for (auto& byte : id.origin.peer.bytes) {
    const auto value = base::parse_number<std::uint8_t>(rest.substr(0, 2), 16);
    if (!value || rest.size() < 2) return std::nullopt;
    byte = *value;
    rest.remove_prefix(2);
  }
  const auto incarnation = take_part(rest);
  const auto sequence = take_part(rest);
  if (!incarnation || !sequence) return std::nullopt;
  id.origin.incarnation = *incarnation;
  id.sequence = *sequence;
  return to_string(id) == text ? std::optional(id) : std::nullopt;
}

}  // namespace tidegate::stomp
