// The subscriptions to the outbox that clients of doors have open. Each is one of the library
// (tidegate/outbox.hpp) with a cursor beside the state file of the peer; the client keeps the rows
// that wait for it.
//
// 1. A row that a client has taken never comes again, in no life of the peer: it is done before
//    taken() returns.
// 2. A client that comes back under the name gets what was not taken, in order, as the subscription
//    is opened anew and reads it again.
// 3. Rows that were lost are told in their place, again to the next client until one has taken
//    that.
// 4. No more is read than the client wants. So one that is slow costs its door nothing but its
//    bound, and the rows stay in the database.
//
// It is a door itself, as it waits in the reactor of the session and hears of hints. Add it behind
// those whose clients it has: they write first, and then there is room for more rows.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command/doors/door.hpp"
#include "command/doors/subscriptions.hpp"
#include "command/log.hpp"
#include "command/log_digest.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/outbox.hpp"

namespace tidegate::doors {

// Where their rows come from and their cursors are kept; without either there are none.
struct OutboxPlace {
  std::string database;
  std::string state_file;
};

// A client of a door that reads the outbox. Its orders have tags of its own choice.
class OutboxClient {
 public:
  OutboxClient() = default;
  OutboxClient(const OutboxClient&) = delete;
  OutboxClient& operator=(const OutboxClient&) = delete;
  virtual ~OutboxClient() = default;

  // The subscription has begun, or the name is removed.
  virtual void answered(std::uint64_t tag) = 0;
  virtual void refused(std::uint64_t tag, const std::string& why) = 0;
  // The subscription was closed before it had begun.
  virtual void given_up(std::uint64_t tag) = 0;
  // Another client has the name now, or has removed it.
  virtual void taken_over(const std::string& name, const std::string& why) = 0;

  [[nodiscard]] virtual bool wants_rows(const std::string& name) const = 0;
  virtual void give(const std::string& name, Delivery row) = 0;
  virtual void give(const std::string& name, Ticket ticket, const OutboxLost& lost) = 0;
};

class OutboxSubscriptions final : public Door {
 public:
  using Client = std::shared_ptr<OutboxClient>;

  // The references outlive it.
  OutboxSubscriptions(OutboxPlace place, io::Reactor& reactor, PeerPatterns& patterns,
                      spdlog::logger& log);
  ~OutboxSubscriptions() override;

  [[nodiscard]] bool possible() const {
    return !place_.database.empty() && !place_.state_file.empty();
  }

  // Opens it, whichever client has it, and answers by the tag once it has begun. The name is a
  // cursor's (lib/base/cursor_name.hpp); `from` is where a new one begins.
  void open(const Client& client, std::uint64_t tag, const std::string& name,
            const Pattern& pattern, From from);
  // The client has taken that row, or that loss.
  void taken(const Client& client, const std::string& name, Ticket ticket);
  // The name stays. Nothing happens if another client has it.
  void close(const Client& client, const std::string& name);
  // Closes and forgets it for good, whichever client has it, and answers by the tag.
  void remove(const Client& client, std::uint64_t tag, const std::string& name);

  // A delivery of the mesh may be a hint that there are rows.
  void handle(const Incoming& incoming) override;
  // Gives the clients what has come, as far as they want it.
  void peer_has_turned() override;
  void peer_leaves() override { leaving_ = true; }

 private:
  struct Open {
    std::weak_ptr<OutboxClient> owner;
    std::optional<std::uint64_t> opening;  // the tag, until it has begun
    std::unique_ptr<OutboxSubscription> outbox;
    io::Reactor::Watch watch;
    bool ready = true;  // it may have something
  };
  using Losses = std::map<Ticket, OutboxLost>;

  [[nodiscard]] Open* open_of(const Client& client, const std::string& name);
  void take_over(const Client& client, const std::string& name, const std::string& why);
  void close(const std::string& name);
  void hand_out(const std::string& name, Open& one);
  void give(const std::string& name, OutboxClient& client, Incoming incoming);
  void tell_begun(Open& one, OutboxClient& client);
  void watch(Open& one);
  void tell(const std::string& kind, const command::LogLine& line);
  [[nodiscard]] std::string path_of(const std::string& name) const;
  [[nodiscard]] bool too_many_names() const;

  OutboxPlace place_;
  io::Reactor& reactor_;
  PeerPatterns& patterns_;
  spdlog::logger& log_;
  command::LogDigest digest_;
  io::Reactor::Timer timer_;
  Topic hint_ = outbox_hint_topic();
  std::map<std::string, Open> open_;
  std::map<std::string, Losses> losses_;  // that no client has taken
  Ticket last_loss_;
  bool told_ = false;  // a client, whose door has to write that
  bool leaving_ = false;
};

}  // namespace tidegate::doors
