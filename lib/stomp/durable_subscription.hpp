// A subscription that outlives its connections: it goes on collecting while no client is there, and
// a client that comes back under its name gets all that has not been acknowledged.
//
// 1. A message is settled by its acknowledgement, never by its delivery; or because it turns out
//    that it was not for this subscription. Settled ones never come again, in no life of the peer.
// 2. The next client first gets all that the last one had not acknowledged, in order.
// 3. Messages of others that will not come, and those that were dropped since too many bytes
//    waited, are a Loss in their place. It is acknowledged like a message, and only that settles
//    them.
// 4. The messages of one stream come in the order of their sequences. Only a Loss may come before
//    messages of lower numbers, which are still held. So all below `passed` that neither waits here
//    nor with the client is settled, and nothing above.
//
// All that changes what is settled is appended to the journal (durable_records.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/stomp/destination.hpp"
#include "lib/stomp/durable_records.hpp"
#include "lib/stomp/settled.hpp"
#include "lib/stomp/subscription_queue.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/options.hpp"

namespace tidegate::stomp {

class DurableSubscription {
 public:
  // The journal outlives it. `destination` is one of a topic.
  DurableSubscription(std::uint64_t number, const DurableImage::Subscription& image,
                      std::string& journal);
  DurableSubscription(std::uint64_t number, std::string name, std::string destination,
                      std::string& journal);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& destination() const { return destination_; }
  [[nodiscard]] const Pattern& pattern() const { return filter_.pattern; }
  [[nodiscard]] DurableImage::Subscription image() const;

  // --- what the peer says; `arrival` grows ---

  void deliver(std::uint64_t arrival, const std::shared_ptr<const Delivery>& delivery);
  void undelivered(std::uint64_t arrival, const Undelivered& notice);
  void not_resumed(std::uint64_t arrival, const NotResumed& notice);
  // All of that stream before cursor.next has been said.
  void passed(const Cursor& cursor);
  // A former life of this peer has ended its own stream there; what it had not given away is gone.
  void own_stream_ended(std::uint64_t arrival, const Cursor& own, const std::string& publisher);
  // This peer leaves, and its own stream ends behind `last`: it is forgotten if nothing of it is
  // open, so that it need not be resumed.
  void own_stream_left(const PeerId& self, std::uint64_t last);
  // The stream is gone with a former life of its publisher, and how much of it is not known. Does
  // nothing while something of it is still here.
  void stream_ended(std::uint64_t arrival, const Origin& origin);

  // --- its client ---

  // Of the connection that has it; empty: none.
  [[nodiscard]] const std::string& owner() const { return owner_; }
  // Takes it over.
  void attach(const std::string& owner, std::size_t window);
  void detach();

  [[nodiscard]] const SubscriptionQueue& queue() const { return queue_; }

  struct Taken {
    SubscriptionQueue::Item item;
    bool again = false;  // it was written to a client before
  };
  [[nodiscard]] Taken take(std::uint64_t number);

  enum class Reach : std::uint8_t { one, all_before };
  std::vector<MessageId> acknowledge(std::uint64_t number, Reach reach);

  // --- bounds ---

  [[nodiscard]] std::size_t bytes() const { return queue_.bytes() + queue_.kept_bytes(); }
  // Drops the oldest message that no client has got. False: there is none.
  bool drop_oldest();
  // Keeps places in so many streams, of those that are not `present` the later ones.
  void forget_beyond(std::size_t streams, const std::set<Origin>& present);

  // The streams that it knows, each with the place from which it still wants messages.
  [[nodiscard]] std::vector<Cursor> places() const;
  // Appends what was written to the client since.
  void write_sent();

 private:
  struct Stream {
    std::string publisher;
    Settled settled;
    std::uint64_t passed = 0;  // all before has been said in this life; 0: nothing has
    std::uint64_t sent = 0;
    bool ended = false;                 // its client knows that it is over
    std::multiset<std::uint64_t> open;  // first sequences of what waits here or with the client
    std::shared_ptr<Loss> dropped;      // the last Loss of it that is first in line
  };
  using Streams = std::map<Origin, Stream>;

  Streams::iterator follow(const Origin& origin, std::uint64_t next, const std::string& publisher);
  void add(std::uint64_t arrival, Stream& stream, SubscriptionQueue::Item item);
  void lose(std::uint64_t arrival, Stream& stream, Loss loss, Settled::Range range);
  void advance(const Origin& origin, Stream& stream, std::uint64_t recorded);
  void forget(Streams::iterator stream);

  std::uint64_t number_;
  std::string name_;
  std::string destination_;
  Filter filter_;
  std::string& journal_;
  bool from_former_life_;
  std::string owner_;
  Streams streams_;
  SubscriptionQueue queue_;
  std::set<Origin> sent_;  // streams of which that has changed
};

}  // namespace tidegate::stomp
