#include "lib/mesh/history_bytes.hpp"

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace tidegate::mesh {
namespace {

template <typename Number>
void put(char* to, Number number) {
  for (auto shift = 8 * sizeof number; shift > 0; shift -= 8) {
    *to++ = static_cast<char>(number >> (shift - 8) & 0xFFU);
  }
}

std::uint64_t take(std::string_view& bytes, std::size_t size) {
  std::uint64_t number = 0;
  for (const char byte : bytes.substr(0, size)) {
    number = number << 8U | static_cast<std::uint8_t>(byte);
  }
  bytes.remove_prefix(size);
  return number;
}

}  // namespace

std::array<char, history_entry_bytes> entry_bytes(const HistoryEntry& entry) {
  std::array<char, history_entry_bytes> bytes{};
  put(bytes.data(), entry.number);
  put(bytes.data() + 4, entry.begin);
  put(bytes.data() + 12, static_cast<std::uint64_t>(entry.promoted));
  return bytes;
}

std::string history_bytes(const History& history) {
  std::string bytes;
  for (const auto& entry : history.entries()) {
    const auto some = entry_bytes(entry);
    bytes.append(some.data(), some.size());
  }
  return bytes;
}

std::optional<History> history_from(std::string_view bytes) {
  if (bytes.size() % history_entry_bytes != 0 || bytes.size() > base::limits::history_bytes) {
    return std::nullopt;
  }
  std::vector<HistoryEntry> entries;
  entries.reserve(bytes.size() / history_entry_bytes);
  while (!bytes.empty()) {
    HistoryEntry entry;
    entry.number = static_cast<TimelineId>(take(bytes, 4));
    entry.begin = take(bytes, 8);
    const auto promoted = take(bytes, 8);
    if (promoted > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return std::nullopt;
    entry.promoted = static_cast<std::int64_t>(promoted);
    entries.push_back(entry);
  }
  auto history = History::of(std::move(entries));
  return history ? std::optional(std::move(history).value()) : std::nullopt;
}

std::optional<History> KnownHistories::read(std::string_view bytes) {
  for (const auto& known : known_) {
    if (!bytes.empty() && known.bytes == bytes) return known.history;
  }
  auto history = history_from(bytes);
  if (history) {
    known_[next_] = {std::string(bytes), *history};
    next_ = (next_ + 1) % known_.size();
  }
  return history;
}

}  // namespace tidegate::mesh
