#include "lib/mesh/inbound_stream.hpp"

#include <algorithm>
#include <utility>

#include "lib/base/limits.hpp"
#include "lib/message/footprint.hpp"

namespace tidegate::mesh {

InboundStream::Progress InboundStream::arrive(Data data) {
  Progress progress;
  auto sequence = data.first;
  progress.messages.reserve(data.messages.size());
  for (auto& message : data.messages) take(sequence++, message, progress);
  if (next_ == 0) progress.duplicates = 0;  // it is not known yet what counts
  drain(progress);
  return progress;
}

void InboundStream::take(std::uint64_t sequence, Message& message, Progress& progress) {
  known_ = std::max(known_, sequence);
  if (sequence < next_ || ahead_.contains(sequence)) {
    ++progress.duplicates;
  } else if (sequence == next_) {
    progress.messages.emplace_back(next_++, std::move(message));
    drain(progress);
  } else if (const auto bytes = message::footprint(message);
             ahead_bytes_ + bytes <= base::limits::ahead_bytes) {
    ahead_bytes_ += bytes;
    ahead_.emplace_hint(ahead_.end(), sequence, std::move(message));
  }
}

void InboundStream::drain(Progress& progress) {
  while (!ahead_.empty() && ahead_.begin()->first == next_) {
    auto& message = ahead_.begin()->second;
    ahead_bytes_ -= message::footprint(message);
    progress.messages.emplace_back(next_++, std::move(message));
    ahead_.erase(ahead_.begin());
  }
}

InboundStream::Progress InboundStream::start(std::uint64_t next) {
  Progress progress;
  if (next_ != 0) return progress;
  next_ = whole_from_ = next;
  known_ = std::max(known_, next - 1);
  // Messages before the start were not meant for us.
  while (!ahead_.empty() && ahead_.begin()->first < next_) {
    ahead_bytes_ -= message::footprint(ahead_.begin()->second);
    ahead_.erase(ahead_.begin());
  }
  drain(progress);
  return progress;
}

void InboundStream::note_published(std::uint64_t last) { known_ = std::max(known_, last); }

InboundStream::Progress InboundStream::skip(std::uint64_t sequence) {
  Progress progress;
  const auto first = gap();
  if (!first || first->first >= sequence) return progress;
  const auto last = std::min(first->last, sequence - 1);
  progress.skipped = Range{first->first, last};
  next_ = whole_from_ = last + 1;
  drain(progress);
  return progress;
}

void InboundStream::rewind_to(std::uint64_t sequence) { next_ = sequence; }

std::optional<InboundStream::Range> InboundStream::gap() const {
  if (next_ == 0 || next_ > known_) return std::nullopt;
  return Range{next_, ahead_.empty() ? known_ : ahead_.begin()->first - 1};
}

}  // namespace tidegate::mesh
