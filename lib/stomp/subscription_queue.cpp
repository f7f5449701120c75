#include "lib/stomp/subscription_queue.hpp"

#include <algorithm>
#include <iterator>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "lib/message/footprint.hpp"

namespace tidegate::stomp {

MessageId SubscriptionQueue::Item::id() const {
  if (delivery != nullptr) return {delivery->origin, delivery->sequence};
  return {loss->origin, loss->first};
}

std::size_t SubscriptionQueue::Item::bytes() const {
  if (delivery == nullptr) return sizeof(Loss) + loss->publisher.size() + loss->json.size();
  const auto& message = delivery->message;
  return sizeof(Delivery) + message.topic.bytes() + message.payload.size() +
         message::footprint(message.headers);
}

void SubscriptionQueue::add(std::uint64_t arrival, Item item) {
  bytes_ += item.bytes();
  waiting_.emplace_back(arrival, std::move(item));
}

void SubscriptionQueue::add_first(std::uint64_t arrival, Item item) {
  bytes_ += item.bytes();
  first_.emplace_back(arrival, std::move(item));
}

bool SubscriptionQueue::ready() const {
  if (first_.empty() && waiting_.empty()) return false;
  if (window_ == 0) return true;
  return unacknowledged_.size() < window_ && kept_bytes_ < base::limits::stomp_durable_read_bytes;
}

std::uint64_t SubscriptionQueue::next_arrival() const {
  return (first_.empty() ? waiting_ : first_).front().first;
}

SubscriptionQueue::Item SubscriptionQueue::take(std::uint64_t number) {
  TIDEGATE_MUST(ready());
  auto& from = first_.empty() ? waiting_ : first_;
  auto [arrival, item] = std::move(from.front());
  from.pop_front();
  const auto bytes = item.bytes();
  bytes_ -= bytes;
  if (window_ == 0) return item;
  Taken taken{number, item.id(), arrival, {nullptr, item.loss}};
  if (item.delivery != nullptr && item.delivery->row) taken.ticket = item.delivery->row->ticket;
  if (item.loss != nullptr) taken.ticket = item.loss->ticket;
  if (keeps_ == Keeps::unacknowledged) {
    taken.item = item;
    kept_bytes_ += bytes;
  }
  unacknowledged_.push_back(std::move(taken));
  return item;
}

std::vector<SubscriptionQueue::Taken> SubscriptionQueue::acknowledge(std::uint64_t number) {
  const auto at = find(number);
  return at == unacknowledged_.end() ? std::vector<Taken>() : remove(at, std::next(at));
}

std::vector<SubscriptionQueue::Taken> SubscriptionQueue::acknowledge_through(std::uint64_t number) {
  const auto at = find(number);
  if (at == unacknowledged_.end()) return {};
  return remove(unacknowledged_.begin(), std::next(at));
}

std::uint64_t SubscriptionQueue::number_of(const MessageId& id) const {
  const auto at = std::find_if(unacknowledged_.begin(), unacknowledged_.end(),
                               [&](const auto& one) { return one.id == id; });
  return at == unacknowledged_.end() ? 0 : at->number;
}

void SubscriptionQueue::put_back() {
  while (!unacknowledged_.empty()) {
    auto& taken = unacknowledged_.back();
    if (keeps_ == Keeps::unacknowledged) {
      bytes_ += taken.item.bytes();
      first_.emplace_front(taken.arrival, std::move(taken.item));
    }
    unacknowledged_.pop_back();
  }
  kept_bytes_ = 0;
}

std::pair<std::uint64_t, SubscriptionQueue::Item> SubscriptionQueue::take_oldest() {
  TIDEGATE_MUST(has_untaken());
  auto oldest = std::move(waiting_.front());
  waiting_.pop_front();
  bytes_ -= oldest.second.bytes();
  return oldest;
}

SubscriptionQueue::Place SubscriptionQueue::find(std::uint64_t number) {
  const auto at =
      std::lower_bound(unacknowledged_.begin(), unacknowledged_.end(), number,
                       [](const auto& one, std::uint64_t wanted) { return one.number < wanted; });
  return at != unacknowledged_.end() && at->number == number ? at : unacknowledged_.end();
}

std::vector<SubscriptionQueue::Taken> SubscriptionQueue::remove(const Place& first,
                                                                const Place& last) {
  std::vector<Taken> taken;
  for (auto at = first; at != last; ++at) {
    if (keeps_ == Keeps::unacknowledged) kept_bytes_ -= at->item.bytes();
    taken.push_back(std::move(*at));
  }
  unacknowledged_.erase(first, last);
  return taken;
}

}  // namespace tidegate::stomp
