// A bridge between an outbox and the mesh, for receivers that read no server of the cluster: reads
// the rows on the primary, has each numbered there, and publishes it under that number, with a
// position that covers it. A number is committed and flushed before its message is sent, so whoever
// goes on from the numbers (another bridge, this one after a restart) repeats nothing: a message
// that is sent once more has the sequence that it had before.
//
// While the primary is away the bridge stays in the mesh, where receivers fetch what they have
// missed. When it is back, it goes on if no other bridge has begun meanwhile. Else it has finished.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "command/bridge/bridge_server.hpp"
#include "command/doors/door.hpp"
#include "command/log_digest.hpp"
#include "command/settle.hpp"
#include "peer/servers/postgres/bridge_query.hpp"
#include "tidegate/outbox.hpp"
#include "tidegate/peer.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::command {

// The row, as a publisher's message.
[[nodiscard]] Publication publication_of(postgres::BridgedRow row);

class Bridge final : public doors::Door {
 public:
  // All outlive it. `rows` have numbers, and are to be published before new ones, once the others
  // are there: they follow on what the peer has published.
  Bridge(DrivenPeer& peer, BridgeServer& server, OutboxSubscription& outbox,
         postgres::BridgeStream stream, std::vector<postgres::BridgedRow> rows,
         io::Reactor& reactor, spdlog::logger& log);

  void handle(const Incoming& incoming) override;
  void peer_has_turned() override;
  [[nodiscard]] bool finished() const override { return finished_; }
  void peer_leaves() override { leaving_ = true; }

  // For the next life.
  [[nodiscard]] postgres::BridgeLife life() const {
    return {stream_.origin.incarnation, stream_.last};
  }

 private:
  struct Row {
    outbox::RowKey key;
    Ticket ticket = 0;  // of the subscription
    Publication publication;
  };
  struct Probe {
    Ticket ticket = 0;
    std::uint64_t number = 0;
  };

  void begin_again(Instant now);
  void begun(const BridgeServer::Rows& rows, Instant now);
  void publish();
  void number(Instant now);
  std::vector<Row> take_rows();
  [[nodiscard]] std::optional<Row> next_row();
  [[nodiscard]] std::optional<Row> row_of(Delivery& delivery);
  void numbered(const BridgeServer::Rows& rows);
  void finish(const std::string& why);
  void say(LogLevel level, const std::string& text);

  DrivenPeer& peer_;
  BridgeServer& server_;
  OutboxSubscription& outbox_;
  postgres::BridgeStream stream_;
  spdlog::logger& log_;
  LogDigest digest_;
  Settling settling_{std::nullopt};
  Instant settled_by_;
  bool settled_ = false;
  bool begun_ = true;        // on the present connection
  std::size_t lost_ = 0;     // connections, when it had begun
  Instant begin_at_{};       // the next attempt,
  Instant give_up_at_{};     // and the last one
  std::vector<Row> asked_;   // numbers for them are under way, or were when the connection was lost
  std::optional<Row> next_;  // read, and of another history than those
  std::deque<Publication> numbered_;
  std::uint64_t published_;
  // Of what was published one message at a time is to be acknowledged: a receiver that is stopped
  // must not hold up the others.
  std::optional<Probe> probe_;
  std::uint64_t noted_;  // of what was received
  Instant note_at_{};
  Topic hint_ = outbox_hint_topic();
  bool finished_ = false;
  bool leaving_ = false;
  io::Reactor::Watch watch_;
  io::Reactor::Timer timer_;
};

}  // namespace tidegate::command
