#include "lib/stomp/durable_subscription.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "lib/base/limits.hpp"

namespace tidegate::stomp {
namespace {

// Those are told of in the order of the stream, the others once they are known.
bool comes_in_turn(Undelivered::Why why) {
  return why != Undelivered::Why::missing && why != Undelivered::Why::expired;
}

}  // namespace

DurableSubscription::DurableSubscription(std::uint64_t number, std::string name,
                                         std::string destination, std::string& journal)
    : number_(number),
      name_(std::move(name)),
      destination_(std::move(destination)),
      filter_(filter_of(destination_).value()),
      journal_(journal),
      from_former_life_(false),
      queue_(base::limits::stomp_window, SubscriptionQueue::Keeps::unacknowledged) {}

DurableSubscription::DurableSubscription(std::uint64_t number,
                                         const DurableImage::Subscription& image,
                                         std::string& journal)
    : DurableSubscription(number, image.name, image.destination, journal) {
  from_former_life_ = true;
  for (const auto& [origin, stream] : image.streams) {
    streams_[origin] = {.publisher = stream.publisher,
                        .settled = stream.settled,
                        .sent = stream.sent,
                        .open = {},
                        .dropped = nullptr};
  }
}

DurableImage::Subscription DurableSubscription::image() const {
  DurableImage::Subscription image{name_, destination_, {}};
  for (const auto& [origin, stream] : streams_) {
    image.streams[origin] = {stream.publisher, stream.settled, stream.sent};
  }
  return image;
}

// --- what the peer says -------------------------------------------------------------------------

// A subscription that began in this life has no claim to what was published before.
void DurableSubscription::deliver(std::uint64_t arrival,
                                  const std::shared_ptr<const Delivery>& delivery) {
  const auto& [origin, sequence] = std::pair(delivery->origin, delivery->sequence);
  if (!filter_.pattern.matches(delivery->message.topic)) return;
  if (delivery->earlier && !from_former_life_) return;
  auto& stream = follow(origin, sequence, delivery->origin_name)->second;
  stream.passed = std::max(stream.passed, sequence + 1);
  if (!stream.settled.has(sequence)) add(arrival, stream, {delivery, nullptr});
}

void DurableSubscription::undelivered(std::uint64_t arrival, const Undelivered& notice) {
  if (notice.topic && !filter_.pattern.matches(*notice.topic)) return;
  const bool in_turn = comes_in_turn(notice.why);
  auto& stream = follow(notice.origin, in_turn ? notice.first : 1, notice.name)->second;
  if (in_turn) stream.passed = std::max(stream.passed, notice.last + 1);
  const Loss loss{.origin = notice.origin, .publisher = notice.name, .why = notice.why};
  lose(arrival, stream, loss, {notice.first, notice.last});
}

void DurableSubscription::not_resumed(std::uint64_t arrival, const NotResumed& notice) {
  const auto found = streams_.find(notice.origin);
  if (found == streams_.end()) return;
  if (notice.why == NotResumed::Why::ended) return stream_ended(arrival, notice.origin);
  // Numbers that were settled are given to other messages now.
  auto& stream = found->second;
  const auto next = stream.settled.next();
  write_forget(journal_, number_, notice.origin);
  write_publisher(journal_, number_, notice.origin, notice.name);
  sent_.erase(notice.origin);
  stream = {.publisher = notice.name, .settled = Settled(), .open = std::move(stream.open)};
  Loss loss{Loss::Kind::behind, notice.origin, notice.name, next, next};
  add(arrival, stream, {nullptr, std::make_shared<const Loss>(std::move(loss))});
}

void DurableSubscription::stream_ended(std::uint64_t arrival, const Origin& origin) {
  const auto found = streams_.find(origin);
  if (found == streams_.end()) return;
  auto& stream = found->second;
  if (!stream.open.empty()) return;
  const auto next = stream.settled.next();
  Loss loss{Loss::Kind::ended, origin, stream.publisher, next, next};
  add(arrival, stream, {nullptr, std::make_shared<const Loss>(std::move(loss))});
}

void DurableSubscription::own_stream_ended(std::uint64_t arrival, const Cursor& own,
                                           const std::string& publisher) {
  const auto found = streams_.find(own.publisher);
  if (found == streams_.end() || own.next <= found->second.settled.next()) return;
  lose(arrival, found->second, {.origin = own.publisher, .publisher = publisher},
       {1, own.next - 1});
}

void DurableSubscription::own_stream_left(const PeerId& self, std::uint64_t last) {
  for (auto at = streams_.lower_bound({self, 0}); at != streams_.end() && at->first.peer == self;) {
    const auto here = at++;
    if (here->second.open.empty() && here->second.settled.next() == last + 1) forget(here);
  }
}

void DurableSubscription::passed(const Cursor& cursor) {
  auto& stream = follow(cursor.publisher, cursor.next, {})->second;
  stream.passed = std::max(stream.passed, cursor.next);
  advance(cursor.publisher, stream, stream.settled.next());
  // Nothing comes any more of the streams of its former lives.
  auto earlier = streams_.lower_bound({cursor.publisher.peer, 0});
  while (earlier->first < cursor.publisher) {
    const auto here = earlier++;
    if (here->second.open.empty() && here->second.passed != 0) forget(here);
  }
}

DurableSubscription::Streams::iterator DurableSubscription::follow(const Origin& origin,
                                                                   std::uint64_t next,
                                                                   const std::string& publisher) {
  const auto [entry, is_new] = streams_.try_emplace(origin);
  auto& stream = entry->second;
  const bool names = stream.publisher.empty() && !publisher.empty();
  if (names) stream.publisher = publisher;
  if (is_new || names) write_publisher(journal_, number_, origin, stream.publisher);
  if (is_new && next > 1) {
    stream.settled = Settled(next);
    write_settled(journal_, number_, origin, {1, next - 1});
  }
  return entry;
}

void DurableSubscription::add(std::uint64_t arrival, Stream& stream, SubscriptionQueue::Item item) {
  stream.open.insert(item.id().sequence);
  queue_.add(arrival, std::move(item));
}

void DurableSubscription::lose(std::uint64_t arrival, Stream& stream, Loss loss,
                               Settled::Range range) {
  for (const auto& part : stream.settled.open_parts(range)) {
    loss.first = part.first;
    loss.last = part.last;
    add(arrival, stream, {nullptr, std::make_shared<const Loss>(loss)});
  }
}

// Invariant 4. `recorded`: what the journal knows as settled.next().
void DurableSubscription::advance(const Origin& origin, Stream& stream, std::uint64_t recorded) {
  const auto next = stream.settled.next();
  const auto end =
      stream.open.empty() ? stream.passed : std::min(stream.passed, *stream.open.begin());
  if (end > next) stream.settled.settle({next, end - 1});
  if (stream.settled.next() == recorded) return;
  write_settled(journal_, number_, origin, {1, stream.settled.next() - 1});
}

void DurableSubscription::forget(Streams::iterator stream) {
  write_forget(journal_, number_, stream->first);
  sent_.erase(stream->first);
  streams_.erase(stream);
}

// --- its client ---------------------------------------------------------------------------------

void DurableSubscription::attach(const std::string& owner, std::size_t window) {
  detach();
  owner_ = owner;
  queue_.use_window(window);
}

void DurableSubscription::detach() {
  owner_.clear();
  queue_.put_back();
}

DurableSubscription::Taken DurableSubscription::take(std::uint64_t number) {
  Taken taken{queue_.take(number), false};
  const auto [origin, sequence] = taken.item.id();
  auto& stream = streams_.at(origin);
  if (taken.item.loss != nullptr) {
    if (taken.item.loss == stream.dropped) stream.dropped = nullptr;
    return taken;
  }
  taken.again = sequence <= stream.sent;
  if (taken.again) return taken;
  stream.sent = sequence;
  sent_.insert(origin);
  return taken;
}

std::vector<MessageId> DurableSubscription::acknowledge(std::uint64_t number, Reach reach) {
  const auto all =
      reach == Reach::one ? queue_.acknowledge(number) : queue_.acknowledge_through(number);
  std::vector<MessageId> ids;
  std::map<Origin, std::uint64_t> recorded;
  std::vector<std::pair<Origin, Settled::Range>> settled;
  for (const auto& [taken_as, id, arrival, item, row] : all) {
    ids.push_back(id);
    auto& stream = streams_.at(id.origin);
    stream.open.erase(stream.open.find(id.sequence));
    recorded.try_emplace(id.origin, stream.settled.next());
    auto last = id.sequence;
    if (item.loss != nullptr) {
      if (item.loss->kind == Loss::Kind::ended) stream.ended = true;
      if (!item.loss->is_range()) continue;
      last = item.loss->last;
    }
    stream.settled.settle({id.sequence, last});
    settled.emplace_back(id.origin, Settled::Range{id.sequence, last});
  }
  for (const auto& [origin, range] : settled) {
    const auto& stream = streams_.at(origin);
    if (range.first > stream.settled.next()) write_settled(journal_, number_, origin, range);
  }
  for (const auto& [origin, next] : recorded) {
    const auto stream = streams_.find(origin);
    advance(origin, stream->second, next);
    if (stream->second.ended && stream->second.open.empty()) forget(stream);
  }
  return ids;
}

void DurableSubscription::write_sent() {
  for (const auto& origin : sent_) {
    stomp::write_sent(journal_, number_, origin, streams_.at(origin).sent);
  }
  sent_.clear();
}

// --- bounds -------------------------------------------------------------------------------------

// The losses of one stream become one, so that a flood of them stays small.
bool DurableSubscription::drop_oldest() {
  while (queue_.has_untaken()) {
    auto [arrival, item] = queue_.take_oldest();
    const auto [origin, sequence] = item.id();
    auto& stream = streams_.at(origin);
    const bool message = item.delivery != nullptr;
    if (!message && !item.loss->is_range()) {
      queue_.add_first(arrival, std::move(item));
      continue;
    }
    const auto last = message ? sequence : item.loss->last;
    if (stream.dropped != nullptr && stream.dropped->last < sequence) {
      stream.dropped->last = last;
      stream.dropped->kind = Loss::Kind::dropped;
      stream.open.erase(stream.open.find(sequence));
    } else {
      Loss loss{Loss::Kind::dropped, origin, stream.publisher, sequence, last};
      if (!message) loss = *item.loss;
      stream.dropped = std::make_shared<Loss>(std::move(loss));
      queue_.add_first(arrival, {nullptr, stream.dropped});
    }
    if (message) return true;
  }
  return false;
}

void DurableSubscription::forget_beyond(std::size_t streams, const std::set<Origin>& present) {
  if (streams_.size() <= streams) return;
  std::vector<std::pair<std::uint64_t, Origin>> gone;  // by the beginning of the stream
  for (const auto& [origin, stream] : streams_) {
    if (stream.open.empty() && !present.contains(origin)) {
      gone.emplace_back(origin.incarnation, origin);
    }
  }
  std::sort(gone.begin(), gone.end());
  for (const auto& [incarnation, origin] : gone) {
    if (streams_.size() <= streams) return;
    forget(streams_.find(origin));
  }
}

std::vector<Cursor> DurableSubscription::places() const {
  std::vector<Cursor> all;
  for (const auto& [origin, stream] : streams_) all.push_back({origin, stream.settled.next()});
  return all;
}

}  // namespace tidegate::stomp
