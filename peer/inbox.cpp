#include "peer/inbox.hpp"

#include <string>
#include <type_traits>
#include <utility>

#include <sys/eventfd.h>

#include "lib/base/must.hpp"
#include "lib/base/saturated.hpp"
#include "lib/message/footprint.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::peer {
namespace {

// The variable part of a notice.
std::size_t text_bytes(const PeerReady& n) { return n.name.size(); }
std::size_t text_bytes(const PeerGone& n) { return n.name.size(); }
std::size_t text_bytes(const Undelivered& n) {
  return n.name.size() + (n.topic ? n.topic->bytes() : 0);
}
std::size_t text_bytes(const NotResumed& n) { return n.name.size(); }
std::size_t text_bytes(const OutboxLost&) { return 0; }
std::size_t text_bytes(const Sent&) { return 0; }
std::size_t text_bytes(const Received& n) {
  std::size_t bytes = 0;
  for (const auto& peer : n.without) bytes += sizeof peer + peer.name.size();
  return bytes;
}
std::size_t text_bytes(const Unpublished& n) {
  return n.payload.size() + n.topic.bytes() + message::footprint(n.headers);
}
std::size_t text_bytes(const Undone& n) { return n.topic.bytes(); }
std::size_t text_bytes(const Coverage& n) {
  std::size_t bytes = 0;
  for (const auto& member : n.members) {
    bytes += sizeof member + member.name.size() + member.address.size();
  }
  return bytes;
}
std::size_t text_bytes(const Traced& n) {
  auto bytes = n.name.size() + (n.topic ? n.topic->bytes() : 0);
  for (const auto& one : n.receivers) {
    bytes +=
        sizeof one + one.name.size() + one.address.size() + one.steps.size() * sizeof(TracedTime);
  }
  return bytes;
}
std::size_t text_bytes(const ServerUp& n) { return n.description.size() + n.degraded.size(); }
std::size_t text_bytes(const ServerDown& n) { return n.reason.size(); }
std::size_t text_bytes(const PrimaryUp& n) { return n.description.size() + n.degraded.size(); }
std::size_t text_bytes(const PrimaryDown& n) { return n.reason.size(); }
std::size_t text_bytes(const Warning& n) { return n.text.size(); }
std::size_t text_bytes(const Trouble& n) { return n.about.size() + n.text.size(); }

template <typename Kind>
const Kind* as(const Incoming& incoming) {
  const auto* notice = std::get_if<Notice>(&incoming);
  return notice != nullptr ? std::get_if<Kind>(notice) : nullptr;
}

}  // namespace

Inbox::Inbox(std::size_t most_bytes, Shown shown) : most_bytes_(most_bytes) {
  if (shown == Shown::no) return;
  readable_ = io::Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  TIDEGATE_MUST(readable_);
}

Inbox::Kind Inbox::kind_of(const Incoming& incoming) {
  if (std::holds_alternative<Delivery>(incoming)) return Kind::delivery;
  if (as<Undelivered>(incoming) != nullptr || as<NotResumed>(incoming) != nullptr) {
    return Kind::loss;
  }
  if (as<Coverage>(incoming) != nullptr || as<Traced>(incoming) != nullptr) return Kind::coverage;
  const bool answer = as<Sent>(incoming) != nullptr || as<Received>(incoming) != nullptr ||
                      as<Unpublished>(incoming) != nullptr || as<Undone>(incoming) != nullptr;
  return answer ? Kind::answer : Kind::other;
}

std::size_t Inbox::bytes_of(const Incoming& incoming) {
  if (const auto* delivery = std::get_if<Delivery>(&incoming)) {
    return message::footprint(delivery->message);
  }
  return message::footprint_overhead +
         std::visit([](const auto& n) { return text_bytes(n); }, std::get<Notice>(incoming));
}

std::size_t Inbox::push(Incoming incoming) {
  const auto kind = kind_of(incoming);
  const auto bytes = bytes_of(incoming);
  const std::lock_guard lock(mutex_);
  const bool unasked = kind == Kind::loss || kind == Kind::other;
  if (!unasked || (!merge(incoming) && !drop(incoming, bytes))) {
    append(std::move(incoming), kind, bytes);
  }
  show_readable();
  arrived_.notify_one();
  return bytes_;
}

void Inbox::append(Incoming incoming, Kind kind, std::size_t bytes) {
  if (const auto* loss = as<Undelivered>(incoming)) {
    last_loss_[loss->origin] = taken_ + queue_.size();
  }
  bytes_ += bytes;
  if (kind == Kind::delivery || kind == Kind::loss) ++messages_;
  if (kind == Kind::answer) answer_bytes_ += bytes;
  if (kind == Kind::loss || kind == Kind::other) unasked_bytes_ += bytes;
  queue_.push_back({std::move(incoming), kind, bytes});
}

void Inbox::forget(const Entry& entry) {
  if (const auto* loss = as<Undelivered>(entry.incoming)) {
    const auto last = last_loss_.find(loss->origin);
    if (last->second == taken_) last_loss_.erase(last);
  }
  bytes_ -= entry.bytes;
  if (entry.kind == Kind::delivery || entry.kind == Kind::loss) --messages_;
  if (entry.kind == Kind::answer) answer_bytes_ -= entry.bytes;
  if (entry.kind == Kind::loss || entry.kind == Kind::other) unasked_bytes_ -= entry.bytes;
}

std::optional<Incoming> Inbox::pop(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return closed_ || !queue_.empty(); };
  if (timeout.count() > 0 && !ready()) {  // a wait of no time still costs a switch
    io::wait_until(arrived_, lock, base::later(io::clock_now(), timeout), ready);
  }
  if (queue_.empty()) return std::nullopt;
  auto entry = std::move(queue_.front());
  queue_.pop_front();
  forget(entry);
  if (dropped_ && dropped_->place == taken_) {
    const auto dropped = *std::exchange(dropped_, std::nullopt);
    auto text = std::to_string(dropped.notices) +
                " notices were dropped, since more than inbox-bytes of them waited to be taken";
    if (dropped.losses > 0) {
      text += "; " + std::to_string(dropped.losses) + " of them told of " +
              std::to_string(dropped.messages) + " messages that are not delivered";
    }
    entry.incoming = Notice{Warning{std::move(text)}};
  }
  ++taken_;
  show_readable();
  return std::move(entry.incoming);
}

void Inbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  show_readable();
  arrived_.notify_all();
}

int Inbox::descriptor() {
  const std::lock_guard lock(mutex_);
  shown_ = static_cast<bool>(readable_);
  show_readable();
  return readable_.get();
}

std::size_t Inbox::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

bool Inbox::has_messages() const {
  const std::lock_guard lock(mutex_);
  return messages_ > 0;
}

// Sequences of one origin never go back, so nothing that stands in between belongs into the range.
bool Inbox::merge(const Incoming& incoming) {
  const auto* after = as<Undelivered>(incoming);
  if (after == nullptr) return false;
  const auto last = last_loss_.find(after->origin);
  if (last == last_loss_.end()) return false;
  auto& entry = queue_[last->second - taken_];
  auto& before = std::get<Undelivered>(std::get<Notice>(entry.incoming));
  if (before.why != after->why || before.last + 1 != after->first) return false;
  before.last = after->last;
  before.position = after->position;
  if (before.topic) {  // of several
    bytes_ -= before.topic->bytes();
    unasked_bytes_ -= before.topic->bytes();
    entry.bytes -= before.topic->bytes();
    before.topic.reset();
  }
  return true;
}

bool Inbox::drop(const Incoming& incoming, std::size_t bytes) {
  if (unasked_bytes_ + bytes <= most_bytes_) return false;
  if (!dropped_) {
    dropped_ = Dropped{taken_ + queue_.size(), 0, 0, 0};
    append(Notice{Warning{}}, Kind::other, message::footprint_overhead);
  }
  ++dropped_->notices;
  if (const auto* loss = as<Undelivered>(incoming)) {
    ++dropped_->losses;
    dropped_->messages += loss->last - loss->first + 1;
  }
  return true;
}

void Inbox::show_readable() {
  if (!shown_) return;
  const bool readable = closed_ || !queue_.empty();
  if (readable == readable_shown_) return;
  readable_shown_ = readable;
  eventfd_t value = 0;
  TIDEGATE_MUST(
      (readable ? eventfd_write(readable_.get(), 1) : eventfd_read(readable_.get(), &value)) == 0);
}

}  // namespace tidegate::peer
