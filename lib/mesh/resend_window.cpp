#include "lib/mesh/resend_window.hpp"

#include <algorithm>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "lib/mesh/branch_table.hpp"
#include "lib/message/footprint.hpp"

namespace tidegate::mesh {

void ResendWindow::append(const Message& message, Instant now, Ticket ticket) {
  kept_.push_back({message, now, ticket});
  bytes_ += message::footprint(message);
  while (bytes_ > most_bytes_) drop_oldest();
  expire(now);
}

void ResendWindow::expire(Instant now) {
  while (!kept_.empty() && now - kept_.front().since > longest_) drop_oldest();
}

void ResendWindow::drop_oldest() {
  bytes_ -= message::footprint(kept_.front().message);
  kept_.pop_front();
  ++first_;
}

std::optional<ResendWindow::Found> ResendWindow::find(Ticket ticket, std::uint64_t after) const {
  for (auto sequence = std::max(after + 1, first_); sequence - first_ < kept_.size(); ++sequence) {
    const auto& kept = kept_[sequence - first_];
    if (kept.ticket == ticket) return Found{sequence, &kept.message};
  }
  return std::nullopt;
}

std::vector<Message> ResendWindow::read(std::uint64_t first, std::uint64_t last,
                                        std::size_t most_bytes) const {
  TIDEGATE_MUST(first >= first_);
  std::vector<Message> messages;
  std::size_t bytes = 0;
  std::size_t branches = 0;
  const Message* before = nullptr;
  for (auto sequence = first; sequence <= last && sequence - first_ < kept_.size(); ++sequence) {
    const auto& message = kept_[sequence - first_].message;
    bytes += message::footprint(message);
    branches += branches_added(before, message);
    const bool fits = bytes <= most_bytes && branches <= base::limits::frame_branches;
    if (!fits && !messages.empty()) break;
    messages.push_back(message);
    before = &message;
  }
  return messages;
}

}  // namespace tidegate::mesh
