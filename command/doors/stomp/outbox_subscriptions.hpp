// The subscriptions to the outbox that clients of the door have open. Each is one of the library
// (tidegate/outbox.hpp) with a cursor beside the state file of the peer; the session of its client
// has the rows that wait.
//
// 1. A row that a client has acknowledged never comes again, in no life of the peer: it is done
//    before its receipt leaves.
// 2. A client that comes back under the name gets what was not acknowledged, in order, as the
//    subscription is opened anew and reads it again.
// 3. Rows that were lost are told in their place, again to the next client until one has
//    acknowledged that.
// 4. No more is read than the session wants. So a client that is slow costs the door nothing but
//    its bound, and the rows stay in the database.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command/doors/subscriptions.hpp"
#include "command/log.hpp"
#include "lib/stomp/session.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/outbox.hpp"

namespace tidegate::stomp_door {

// Where their rows come from and their cursors are kept; without either there are none.
struct OutboxPlace {
  std::string database;
  std::string state_file;
};

class OutboxSubscriptions {
 public:
  // Of its door: the session of a connection, if that is there, and its log.
  struct Hands {
    std::function<stomp::Session*(std::uint64_t connection)> session_of;
    std::function<void(const std::string& kind, command::LogLevel, const std::string& text)> tell;
  };
  // The references outlive it.
  OutboxSubscriptions(OutboxPlace place, io::Reactor& reactor, doors::PeerPatterns& patterns,
                      Hands hands);

  [[nodiscard]] bool possible() const {
    return !place_.database.empty() && !place_.state_file.empty();
  }

  void carry_out(std::uint64_t connection, const stomp::OutboxEffect& effect);

  // A delivery of the mesh, which may be a hint that there are rows.
  void heard(const Delivery& delivery);

  // Gives the sessions what has come, as far as they want it.
  void hand_out();
  // There is more for a session that wants it again.
  [[nodiscard]] bool has_more() const;

 private:
  struct Open {
    std::uint64_t owner = 0;
    std::optional<stomp::Tag> opening;  // until it has begun
    std::unique_ptr<OutboxSubscription> outbox;
    io::Reactor::Watch watch;
    bool ready = true;  // it may have something
  };
  using Losses = std::vector<std::shared_ptr<const stomp::Loss>>;

  void act(std::uint64_t connection, const stomp::OutboxOpen& wanted);
  void act(std::uint64_t connection, const stomp::OutboxTaken& taken);
  void act(std::uint64_t connection, const stomp::OutboxClose& close);
  void act(std::uint64_t connection, const stomp::OutboxRemove& remove);
  void take_over(std::uint64_t connection, const std::string& name, const std::string& why);
  void close(const std::string& name);
  void hand_out(const std::string& name, Open& one);
  void give(const std::string& name, stomp::Session& session, Incoming incoming);
  void tell_begun(Open& one, stomp::Session& session) const;
  void watch(Open& one);
  [[nodiscard]] std::string path_of(const std::string& name) const;
  [[nodiscard]] bool too_many_names() const;

  OutboxPlace place_;
  io::Reactor& reactor_;
  doors::PeerPatterns& patterns_;
  Hands hands_;
  Topic hint_ = outbox_hint_topic();
  std::map<std::string, Open> open_;
  std::map<std::string, Losses> losses_;  // that no client has acknowledged
};

}  // namespace tidegate::stomp_door
