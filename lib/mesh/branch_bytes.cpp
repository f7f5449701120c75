#include "lib/mesh/branch_bytes.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace tidegate::mesh {
namespace {

constexpr std::size_t head_bytes = 9;
constexpr std::size_t entry_bytes = 20;
static_assert(base::limits::branch_bytes ==
              head_bytes + base::limits::history_entries * entry_bytes);

template <typename Number>
void put(char*& to, Number number) {
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

std::optional<Branch> branch_from(std::string_view bytes) {
  if (bytes.size() < head_bytes || bytes.size() > base::limits::branch_bytes ||
      (bytes.size() - head_bytes) % entry_bytes != 0) {
    return std::nullopt;
  }
  // One that is not known here is of a later version.
  const auto kind = static_cast<ServerKind>(take(bytes, 1));
  const ClusterId cluster = take(bytes, 8);
  std::vector<HistoryEntry> entries;
  entries.reserve(bytes.size() / entry_bytes);
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
  if (!history || kind == ServerKind{}) return std::nullopt;
  return Branch(kind, cluster, std::move(history).value());
}

}  // namespace

std::size_t branch_size(const Branch& branch) {
  return head_bytes + branch.history().entries().size() * entry_bytes;
}

void write_branch(const Branch& branch, char* to) {
  *to++ = static_cast<char>(branch.kind());
  put(to, branch.cluster());
  for (const auto& entry : branch.history().entries()) {
    put(to, entry.number);
    put(to, entry.begin);
    put(to, static_cast<std::uint64_t>(entry.promoted));
  }
}

const Branch* KnownBranches::read(std::string_view bytes) {
  ++calls_;
  for (auto& known : known_) {
    if (known.bytes != bytes || bytes.empty()) continue;
    known.read_at = calls_;
    return &known.branch;
  }
  auto branch = branch_from(bytes);
  if (!branch) return nullptr;
  auto& oldest =
      *std::min_element(known_.begin(), known_.end(),
                        [](const Known& a, const Known& b) { return a.read_at < b.read_at; });
  oldest = {std::string(bytes), std::move(*branch), calls_};
  return &oldest.branch;
}

}  // namespace tidegate::mesh
