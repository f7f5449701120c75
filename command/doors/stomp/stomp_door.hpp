// The door for programs in any language that have a STOMP client: Unix sockets, TCP ports, or
// sockets of systemd (address.hpp). Each client has a session of its own
// (lib/stomp/session.hpp); the door gives it deliveries, notices and answers of the peer, and
// publishes for it. docs/stomp.md is the contract with clients.
//
// Durable subscriptions get what the peer delivers whether their client is there or not
// (durable_store.hpp). All that a client does to them is on disk before it is answered.
//
// Subscriptions to the outbox are read for their clients while those are there
// (doors/outbox_subscriptions.hpp).
//
// No client holds up another: one that reads too slowly is bounded and cut, and if all of them
// together keep too much waiting, the one with the most is. Too many unsent messages of the peer
// hold up those who publish: nothing more is read from them until there is room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command/doors/door.hpp"
#include "command/doors/outbox_subscriptions.hpp"
#include "command/doors/stomp/client.hpp"
#include "command/doors/stomp/door_counters.hpp"
#include "command/doors/stomp/durable_store.hpp"
#include "command/doors/stomp/listening.hpp"
#include "command/doors/stomp/outbox_client.hpp"
#include "command/doors/subscriptions.hpp"
#include "command/doors/tls/terminator.hpp"
#include "command/log.hpp"
#include "command/log_digest.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/peer.hpp"
#include "tidegate/result.hpp"

namespace tidegate::stomp_door {

struct DoorOptions {
  std::vector<Address> addresses;
  Sharing sharing;
  std::optional<stomp::Login> login;
  std::size_t payload_bytes = 0;
  tls::Terminator* terminator = nullptr;  // of its TCP ports; nullptr: they speak no TLS
};

class StompDoor final : public doors::Door {
 public:
  // Listens. An error names the address that can't be used. All references outlive it, and so does
  // `durable`; nullptr: there are no durable subscriptions.
  static Result<std::unique_ptr<StompDoor>> open(DoorOptions options, io::Reactor& reactor,
                                                 DrivenPeer& peer, doors::PeerPatterns& patterns,
                                                 doors::OutboxSubscriptions& outboxes,
                                                 DurableStore* durable, spdlog::logger& log);
  ~StompDoor() override;

  [[nodiscard]] DoorCounters counters() const;

  // A client that has come another way, and its name for people.
  void adopt(io::Descriptor socket, std::string who);

  void handle(const Incoming& incoming) override;
  void peer_has_turned() override;
  void peer_leaves() override;
  [[nodiscard]] bool pending() const override;

 private:
  struct Connection {
    std::uint64_t number = 0;
    std::unique_ptr<Client> client;
    std::shared_ptr<OutboxClient> outbox;  // the same one
    bool told = false;                     // the log knows that it has ended
  };
  using Connections = std::list<Connection>;
  // Of a message or a question that the peer has accepted.
  struct Asker {
    std::uint64_t connection = 0;
    stomp::Tag tag = 0;
    bool acknowledged = false;  // a Received comes behind its Sent
  };

  StompDoor(DoorOptions options, std::vector<Listening> listening, io::Reactor& reactor,
            DrivenPeer& peer, doors::PeerPatterns& patterns, doors::OutboxSubscriptions& outboxes,
            DurableStore* durable, spdlog::logger& log);

  void accept_clients(const Listening& listening);
  [[nodiscard]] io::Descriptor terminate(const io::Descriptor& socket, const std::string& who);
  void turn_away(const io::Descriptor& socket) const;
  void serve(Connection& connection);
  void carry_out(Connection& connection);
  void publish_waiting(Connection& connection);
  void answer(const Notice& notice);
  void answer(const Sent& sent);
  void answer(const Received& received);
  void answer(const Unpublished& unpublished);
  void answer(const Coverage& coverage);
  [[nodiscard]] std::optional<Asker> take_asker(Ticket ticket);
  [[nodiscard]] Client* client_of_connection(std::uint64_t number);
  void ask(Connection& connection, const stomp::AskEffect& asked);
  void evict(const stomp::EvictEffect& evict);
  void begin_durable();
  void follow_durable(Instant now);
  void write_durable();
  void cut_the_slowest();
  void sweep();
  void tell_end(Connection& connection);
  void tell(const std::string& kind, command::LogLevel level, const std::string& text);

  DoorOptions options_;
  io::Reactor& reactor_;
  DrivenPeer& peer_;
  doors::PeerPatterns& patterns_;
  doors::OutboxSubscriptions& outboxes_;
  DurableStore* durable_;
  Instant look_at_ = Instant::min();  // how far the streams have come
  spdlog::logger& log_;
  command::LogDigest digest_;
  std::vector<Listening> listening_;
  std::vector<io::Reactor::Watch> listen_watches_;
  io::Reactor::Timer timer_;
  Connections clients_;
  std::map<Ticket, Asker> askers_;
  std::map<Ticket, Asker> questions_;  // whose tickets count apart
  DoorCounters counters_;
  bool leaving_ = false;
};

}  // namespace tidegate::stomp_door
