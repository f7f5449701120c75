// All durable subscriptions of a peer. The door tells it what the peer says, and its sessions let
// their clients attach.
//
// It does no I/O: the door writes take_journal() behind what it has written before it lets anything
// out that follows from it, and a whole snapshot() in the place of all when changed() says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/base/limits.hpp"
#include "lib/stomp/durable_subscription.hpp"
#include "tidegate/result.hpp"

namespace tidegate::stomp {

struct DurableBounds {
  std::size_t bytes = base::limits::stomp_durable_bytes;  // of one subscription
  std::size_t all_bytes = base::limits::stomp_durable_all_bytes;
  std::size_t publishers = base::limits::stomp_durable_publishers;
};

class DurableSubscriptions {
 public:
  using ToJson = std::string (*)(const Loss& loss);

  // Those of a former life. `body`: of the MESSAGE that tells of a loss.
  DurableSubscriptions(const DurableImage& image, ToJson body, DurableBounds bounds = {});

  // Where the peer is to resume the streams of others (Options::resume).
  [[nodiscard]] std::vector<Cursor> resume() const;
  [[nodiscard]] std::vector<Pattern> patterns() const;
  [[nodiscard]] bool empty() const { return subscriptions_.empty(); }

  // --- for sessions ---

  struct Attached {
    std::shared_ptr<DurableSubscription> subscription;
    bool is_new = false;
    std::string before;  // the connection that has lost it; empty: none
  };
  [[nodiscard]] Result<Attached> attach(const std::string& name, const std::string& destination,
                                        const std::string& connection, std::size_t window);
  struct Removed {
    Pattern pattern;
    std::string owner;  // the connection that had it
  };
  [[nodiscard]] Result<Removed> remove(const std::string& name);
  [[nodiscard]] std::string to_json(const Loss& loss) const { return to_json_(loss); }
  [[nodiscard]] std::uint64_t arrivals() const { return arrivals_; }
  // Of something that has come another way, such as a row of an outbox.
  [[nodiscard]] std::uint64_t next_arrival() { return ++arrivals_; }

  // --- for the door: all that the peer says, in order ---

  void deliver(const std::shared_ptr<const Delivery>& delivery);
  void undelivered(const Undelivered& notice);
  void not_resumed(const NotResumed& notice);
  // DrivenPeer::cursors(), now and then.
  void passed(const std::vector<Cursor>& cursors);
  // Once, at the start: the stream of this peer itself begins there.
  void own_stream_begins(const Cursor& own, const std::string& publisher);
  // At the end: it will go on behind `last`.
  void own_stream_left(const PeerId& self, std::uint64_t last);

  // The end of the journal, to be appended; the next call begins behind it.
  [[nodiscard]] std::string take_journal();
  [[nodiscard]] std::string snapshot() const;
  // There are others than in the last snapshot.
  [[nodiscard]] bool changed() const { return changed_; }
  void written() { changed_ = false; }

  // That messages were dropped of them, once until a client attaches again.
  [[nodiscard]] std::vector<std::string> take_full();

 private:
  struct Entry {
    std::shared_ptr<DurableSubscription> subscription;
    bool full = false;
  };
  void keep_bounds();
  void tell_full(Entry& entry);

  ToJson to_json_;
  DurableBounds bounds_;
  std::string journal_;
  std::map<std::uint64_t, Entry> subscriptions_;  // by number
  std::uint64_t arrivals_ = 0;
  bool changed_ = false;
  std::vector<std::string> full_;
};

}  // namespace tidegate::stomp
