#include "lib/stomp/subscription_queue.hpp"

#include <algorithm>
#include <iterator>

#include "lib/base/must.hpp"

namespace tidegate::stomp {

std::size_t waiting_bytes(const Delivery& delivery) {
  return sizeof(Delivery) + delivery.message.topic.bytes() + delivery.message.payload.size();
}

void SubscriptionQueue::add(std::uint64_t arrival, Item item) {
  bytes_ += waiting_bytes(*item);
  waiting_.emplace_back(arrival, std::move(item));
}

SubscriptionQueue::Item SubscriptionQueue::take(std::uint64_t number) {
  TIDEGATE_MUST(ready());
  auto item = std::move(waiting_.front().second);
  waiting_.pop_front();
  bytes_ -= waiting_bytes(*item);
  if (window_ != 0) unacknowledged_.push_back({number, {item->origin, item->sequence}});
  return item;
}

std::vector<MessageId> SubscriptionQueue::acknowledge(std::uint64_t number) {
  const auto at = find(number);
  return at == unacknowledged_.end() ? std::vector<MessageId>() : remove(at, std::next(at));
}

std::vector<MessageId> SubscriptionQueue::acknowledge_through(std::uint64_t number) {
  const auto at = find(number);
  if (at == unacknowledged_.end()) return {};
  return remove(unacknowledged_.begin(), std::next(at));
}

std::uint64_t SubscriptionQueue::number_of(const MessageId& id) const {
  const auto at = std::find_if(unacknowledged_.begin(), unacknowledged_.end(),
                               [&](const auto& one) { return one.id == id; });
  return at == unacknowledged_.end() ? 0 : at->number;
}

SubscriptionQueue::Place SubscriptionQueue::find(std::uint64_t number) {
  const auto at =
      std::lower_bound(unacknowledged_.begin(), unacknowledged_.end(), number,
                       [](const auto& one, std::uint64_t wanted) { return one.number < wanted; });
  return at != unacknowledged_.end() && at->number == number ? at : unacknowledged_.end();
}

std::vector<MessageId> SubscriptionQueue::remove(Place first, Place last) {
  std::vector<MessageId> ids;
  for (auto at = first; at != last; ++at) ids.push_back(at->id);
  unacknowledged_.erase(first, last);
  return ids;
}

}  // namespace tidegate::stomp
