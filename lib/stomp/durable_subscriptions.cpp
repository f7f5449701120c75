#include "lib/stomp/durable_subscriptions.hpp"

#include <algorithm>
#include <utility>

#include "lib/stomp/destination.hpp"

namespace tidegate::stomp {
namespace {

std::string quoted(const std::string& name) { return "the durable subscription '" + name + "'"; }

}  // namespace

DurableSubscriptions::DurableSubscriptions(const DurableImage& image, ToJson body,
                                           DurableBounds bounds)
    : to_json_(body), bounds_(bounds) {
  std::map<PeerId, std::uint64_t> latest;
  for (const auto& [number, one] : image.subscriptions) {
    subscriptions_[number].subscription =
        std::make_shared<DurableSubscription>(number, one, journal_);
    for (const auto& [origin, stream] : one.streams) {
      auto& incarnation = latest[origin.peer];
      incarnation = std::max(incarnation, origin.incarnation);
    }
  }
  // A stream that had been followed by another one stands here because its last messages had not
  // been acknowledged, and nobody has them any more.
  for (auto& [number, entry] : subscriptions_) {
    for (const auto& place : entry.subscription->places()) {
      const auto& origin = place.publisher;
      if (origin.incarnation < latest[origin.peer]) {
        entry.subscription->stream_ended(++arrivals_, origin);
      }
    }
  }
}

std::vector<Cursor> DurableSubscriptions::resume() const {
  std::map<PeerId, Cursor> lowest;
  for (const auto& [number, entry] : subscriptions_) {
    for (const auto& place : entry.subscription->places()) {
      auto& cursor = lowest.try_emplace(place.publisher.peer, place).first->second;
      const bool later = cursor.publisher < place.publisher;
      if (later || (cursor.publisher == place.publisher && place.next < cursor.next)) {
        cursor = place;
      }
    }
  }
  std::vector<Cursor> all;
  for (const auto& [peer, cursor] : lowest) {
    // Without an incarnation it is none that a peer has.
    if (cursor.publisher.incarnation != 0 && all.size() < base::limits::cursors) {
      all.push_back(cursor);
    }
  }
  return all;
}

std::vector<Pattern> DurableSubscriptions::patterns() const {
  std::vector<Pattern> all;
  for (const auto& [number, entry] : subscriptions_) all.push_back(entry.subscription->pattern());
  return all;
}

// --- for sessions -------------------------------------------------------------------------------

Result<DurableSubscriptions::Attached> DurableSubscriptions::attach(const std::string& name,
                                                                    const std::string& destination,
                                                                    const std::string& connection,
                                                                    std::size_t window) {
  if (auto wrong = wrong_durable_name(name)) return *wrong;
  if (destination == notices) {
    return Error{"a durable subscription is told of what it will not get by itself; " +
                 std::string(notices) + " can't be one"};
  }
  const auto filter = filter_of(destination);
  if (!filter) return filter.error();
  for (auto& [number, entry] : subscriptions_) {
    auto& known = *entry.subscription;
    if (known.name() != name) continue;
    if (!(known.pattern() == filter->pattern)) {
      return Error{quoted(name) + " is one to '" + known.destination() +
                   "'; remove it by UNSUBSCRIBE with the header durable-subscription-name, or take "
                   "another name"};
    }
    Attached attached{entry.subscription, false, known.owner()};
    known.attach(connection, window);
    entry.full = false;
    return attached;
  }
  if (subscriptions_.size() == base::limits::stomp_durable) {
    return Error{"there are " + std::to_string(base::limits::stomp_durable) +
                 " durable subscriptions; remove one by UNSUBSCRIBE with the header "
                 "durable-subscription-name"};
  }
  const auto number = subscriptions_.empty() ? 1 : subscriptions_.rbegin()->first + 1;
  auto made = std::make_shared<DurableSubscription>(number, name, destination, journal_);
  made->attach(connection, window);
  subscriptions_[number].subscription = made;
  changed_ = true;
  return Attached{std::move(made), true, {}};
}

Result<DurableSubscriptions::Removed> DurableSubscriptions::remove(const std::string& name) {
  const auto found =
      std::find_if(subscriptions_.begin(), subscriptions_.end(),
                   [&](const auto& entry) { return entry.second.subscription->name() == name; });
  if (found == subscriptions_.end()) return Error{"there is no " + quoted(name).substr(4)};
  Removed removed{found->second.subscription->pattern(), found->second.subscription->owner()};
  subscriptions_.erase(found);
  changed_ = true;
  return removed;
}

// --- for the door -------------------------------------------------------------------------------

void DurableSubscriptions::deliver(const std::shared_ptr<const Delivery>& delivery) {
  ++arrivals_;
  for (auto& [number, entry] : subscriptions_) entry.subscription->deliver(arrivals_, delivery);
  keep_bounds();
}

void DurableSubscriptions::undelivered(const Undelivered& notice) {
  ++arrivals_;
  for (auto& [number, entry] : subscriptions_) entry.subscription->undelivered(arrivals_, notice);
  keep_bounds();
}

void DurableSubscriptions::not_resumed(const NotResumed& notice) {
  ++arrivals_;
  for (auto& [number, entry] : subscriptions_) entry.subscription->not_resumed(arrivals_, notice);
}

void DurableSubscriptions::passed(const std::vector<Cursor>& cursors) {
  std::set<Origin> present;
  for (const auto& cursor : cursors) present.insert(cursor.publisher);
  for (auto& [number, entry] : subscriptions_) {
    for (const auto& cursor : cursors) entry.subscription->passed(cursor);
    entry.subscription->forget_beyond(bounds_.publishers, present);
  }
}

void DurableSubscriptions::own_stream_begins(const Cursor& own, const std::string& publisher) {
  for (auto& [number, entry] : subscriptions_) {
    auto& subscription = *entry.subscription;
    subscription.own_stream_ended(++arrivals_, own, publisher);
    for (const auto& place : subscription.places()) {
      const auto& origin = place.publisher;
      if (origin.peer == own.publisher.peer && origin != own.publisher) {
        subscription.stream_ended(++arrivals_, origin);
      }
    }
  }
}

void DurableSubscriptions::own_stream_left(const PeerId& self, std::uint64_t last) {
  for (auto& [number, entry] : subscriptions_) entry.subscription->own_stream_left(self, last);
}

void DurableSubscriptions::keep_bounds() {
  std::size_t all = 0;
  Entry* largest = nullptr;
  for (auto& [number, entry] : subscriptions_) {
    while (entry.subscription->bytes() > bounds_.bytes && entry.subscription->drop_oldest()) {
      tell_full(entry);
    }
    all += entry.subscription->bytes();
    if (largest == nullptr || entry.subscription->bytes() > largest->subscription->bytes()) {
      largest = &entry;
    }
  }
  for (; all > bounds_.all_bytes && largest != nullptr; tell_full(*largest)) {
    const auto before = largest->subscription->bytes();
    if (!largest->subscription->drop_oldest()) return;
    all -= before - largest->subscription->bytes();
  }
}

void DurableSubscriptions::tell_full(Entry& entry) {
  if (std::exchange(entry.full, true)) return;
  const auto& one = *entry.subscription;
  full_.push_back(quoted(one.name()) + " keeps " + std::to_string(one.bytes()) + " bytes for " +
                  (one.owner().empty() ? "a client that is not there"
                                       : "a client that reads or acknowledges too slowly") +
                  ": the oldest messages are dropped, and its client will be told");
}

std::string DurableSubscriptions::take_journal() {
  for (auto& [number, entry] : subscriptions_) entry.subscription->write_sent();
  return std::exchange(journal_, {});
}

std::string DurableSubscriptions::snapshot() const {
  DurableImage image;
  for (const auto& [number, entry] : subscriptions_) {
    image.subscriptions[number] = entry.subscription->image();
  }
  std::string text;
  write_durable(text, image);
  return text;
}

std::vector<std::string> DurableSubscriptions::take_full() { return std::exchange(full_, {}); }

}  // namespace tidegate::stomp
