#include "inbound_stream.hpp"

#include <utility>

#include "limits.hpp"

namespace tidegate {

InboundStream::Progress InboundStream::arrive(Data data) {
  Progress progress;
  if (next_ != 0) {
    take(std::move(data), progress);
    return progress;
  }
  for (const auto& message : data.messages) early_bytes_ += footprint(message);
  if (early_bytes_ <= limits::early_bytes) early_.push_back(std::move(data));
  // Early ones beyond the bound show as a gap once the stream has begun.
  return progress;
}

InboundStream::Progress InboundStream::start(std::uint64_t next) {
  Progress progress;
  if (next_ != 0) return progress;
  next_ = next;
  for (auto& data : std::exchange(early_, {})) take(std::move(data), progress);
  progress.duplicates = 0;  // what lies before the start was not meant for us
  return progress;
}

InboundStream::Progress InboundStream::reveal(std::uint64_t last) {
  Progress progress;
  if (next_ != 0) skip_to(last + 1, progress);
  return progress;
}

void InboundStream::take(Data data, Progress& progress) {
  auto sequence = data.first;
  for (auto& message : data.messages) {
    if (sequence < next_) {
      ++progress.duplicates;
    } else {
      skip_to(sequence, progress);
      progress.messages.push_back({sequence, std::move(message)});
      next_ = sequence + 1;
    }
    ++sequence;
  }
}

void InboundStream::skip_to(std::uint64_t sequence, Progress& progress) {
  if (sequence <= next_) return;
  progress.missing.push_back({next_, sequence - 1});
  next_ = sequence;
}

}  // namespace tidegate
