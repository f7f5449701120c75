// The hands of a node: waits for the world, reads the clock once, steps the node, and carries out
// the effects in their order. It decides nothing; what a turn does can be read in turn().
//
// Everything that may wake it hangs in one descriptor, which is readable while there is something
// to do. So a turn can be run by a thread of its own or from somebody else's event loop.
//
// One thread at a time. Notices and deliveries go to the sink, which may call input() again: that
// input is stepped when the effects under way are carried out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "discovery/beacon.hpp"
#include "lib/mesh/frame_codec.hpp"
#include "lib/node/event.hpp"
#include "lib/node/node.hpp"
#include "peer/carriers/zeromq/transport.hpp"
#include "peer/io/event_set.hpp"
#include "peer/servers/postgres/commit_position_reader.hpp"
#include "peer/servers/postgres/replay_reader.hpp"
#include "peer/state_file.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/options.hpp"
#include "tidegate/result.hpp"

namespace tidegate::peer {

class Loop {
 public:
  using Sink = std::function<void(Incoming)>;

  // The options must be valid. Opens the sockets; databases are connected to by the first turns.
  static Result<std::unique_ptr<Loop>> open(const Options& options, Sink sink);

  // Readable while run_once() has something to do.
  [[nodiscard]] int descriptor() const { return events_.descriptor(); }

  // Another descriptor that ends the wait of run_once() while it is readable. It must stay open.
  void wake_on(int descriptor);

  // Until the next turn or input: run_once() has something to do.
  void wake() { events_.wake_at(Instant::min()); }

  // Waits, for `timeout` at most, and does a bounded amount of what there is to do. Negative: until
  // something comes.
  void run_once(std::chrono::milliseconds timeout);

  // Steps the node at once, all inputs before any effect: what is published together is sent
  // together.
  void input(node::Input input);
  void input(std::vector<node::Input> inputs);

  // Asks the server that is read whether it has become a primary, unless one is known. A replica
  // where nothing is held is not asked otherwise, and so nobody would notice.
  void look_for_primary();

  // After input::Leave: sends what is queued and closes the sockets. Nothing else may be called
  // then but status().
  void close(std::chrono::milliseconds linger);

  [[nodiscard]] Status status() const;
  [[nodiscard]] std::size_t ready_count() const { return node_.ready_count(); }
  [[nodiscard]] std::size_t outbox_size() const { return node_.outbox_size(); }
  [[nodiscard]] std::size_t outbox_bytes() const { return node_.outbox_bytes(); }
  // Something that was sent before waits in our queues, at least for some reader.
  [[nodiscard]] bool still_sending() const { return transport_.outgoing_bytes() > 0; }
  [[nodiscard]] bool has_primary() const { return commit_position_reader_.has_value(); }

 private:
  Loop(const Options& options, zeromq::Transport transport, discovery::Beacon beacon,
       mesh::PeerInfo self, std::optional<StateFile> state, std::vector<base::Endpoint> seeds,
       Sink sink);

  void turn();
  void hear();
  void receive();
  void arrived(zeromq::Transport::LinkBytes& a);
  void arrived(zeromq::Transport::RouteBytes& a);
  void arrived(zeromq::Transport::StreamBytes& a);
  void arrived(zeromq::Transport::SubscriptionChange& a);
  void arrived(zeromq::Transport::Malformed& a);
  template <typename Frame, typename InputOf>
  void step_frame(mesh::Decoded<Frame> decoded, InputOf input_of);
  void advance_replay_reader();
  void advance_commit_position_reader();
  void feed(node::Input input);
  void step(node::Input input);
  void run_effects();
  void settle();
  void start_commit_position_reader(const std::string& connection_string);
  void warn(std::string text);

  void act(node::effect::Dial& e);
  void act(node::effect::Undial& e);
  void act(node::effect::Follow& e);
  void act(node::effect::Unfollow& e);
  void act(node::effect::ToLink& e);
  void act(node::effect::ToRoute& e);
  void act(node::effect::Broadcast& e);
  void act(node::effect::Announce& e);
  void act(node::effect::Poll& e);
  void act(node::effect::QueryCommitPosition& e);
  void act(node::effect::Nudge& e);
  void act(node::effect::Deliver& e);
  void act(node::effect::Notify& e);

  Options options_;
  Sink sink_;
  Instant now_;
  zeromq::Transport transport_;
  discovery::Beacon beacon_;
  std::optional<StateFile> state_;
  node::Node node_;
  mesh::KnownHistories known_histories_;

  std::optional<postgres::ReplayReader> replay_reader_;
  std::optional<postgres::CommitPositionReader> commit_position_reader_;

  io::EventSet events_;
  io::EventSet::Connection watch_connection_;
  io::EventSet::Connection tag_connection_;
  // What has ended the last wait.
  bool heard_ = false;
  bool watch_woken_ = false;
  bool tag_woken_ = false;

  node::Effects effects_;
  node::Effects under_way_;          // in carry_out()
  std::vector<node::Input> queued_;  // from within carry_out()
  bool carrying_out_ = false;
  bool closed_ = false;
  std::string last_warning_;
};

}  // namespace tidegate::peer
