// The hands of a node: waits for the world, reads the clock once, steps the node, and executes the
// effects in their order. It decides nothing; what it does when it is woken can be read in
// poll_once().
//
// The world is behind seams: a carrier, the servers, the beacon. All that may wake the loop hangs
// in one reactor, whose descriptor is readable while there is something to do. So the loop can be
// run by a thread of its own or from somebody else's event loop.
//
// One thread at a time. Notices and deliveries go to the sink, which may call input() again: that
// input is stepped when the effects under way are executed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "discovery/address_watch.hpp"
#include "discovery/beacon.hpp"
#include "lib/mesh/frame_codec.hpp"
#include "lib/node/event.hpp"
#include "lib/node/node.hpp"
#include "lib/node/server_account.hpp"
#include "lib/node/troubles.hpp"
#include "peer/carriers/carrier.hpp"
#include "peer/carriers/datagrams/port.hpp"
#include "peer/io/port_probe.hpp"
#include "peer/io/reactor.hpp"
#include "peer/io/resolver.hpp"
#include "peer/record_file.hpp"
#include "peer/servers/server.hpp"
#include "peer/state_file.hpp"
#include "peer/world.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/options.hpp"

namespace tidegate::peer {

class Loop {
 public:
  using Sink = std::function<void(Incoming)>;

  // The options must be valid. Servers are connected to by the first turns.
  Loop(const Options& options, World world, Sink sink);

  // Readable while run_once() has something to do.
  [[nodiscard]] int descriptor() const { return reactor_.descriptor(); }

  // Ends the wait of run_once() that is under way, or else of the next one. From any thread.
  void wake() { reactor_.wake(); }

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

  // Takes on other keys, where it had some; both must not be empty.
  void use_keys(keys::Keyring keyring);
  [[nodiscard]] const keys::Keyring& keyring() const { return keyring_; }

  // Lets all members test their ways to each other, and is called with what they tell, some seconds
  // later. It must not throw, nor call the loop.
  using SurveyDone = std::function<void(const Survey&)>;
  void survey(SurveyDone done);

  // After input::Leave: sends what is queued and closes the sockets. Nothing else may be called
  // then but status() and cursors().
  void close(std::chrono::milliseconds linger);

  // Gets a line for each input and effect from now on (lib/node/trace.hpp). It must not throw, nor
  // call the loop.
  using Trace = std::function<void(std::string_view)>;
  void trace_to(Trace trace) { trace_ = std::move(trace); }

  [[nodiscard]] Status status() const;
  [[nodiscard]] std::vector<Cursor> cursors() const { return node_.cursors(); }
  [[nodiscard]] std::size_t ready_count() const { return node_.ready_count(); }
  [[nodiscard]] std::size_t unsent() const { return node_.unsent(); }
  [[nodiscard]] std::size_t unsent_bytes() const { return node_.unsent_bytes(); }
  [[nodiscard]] std::size_t unacknowledged_bytes() const { return node_.unacknowledged_bytes(); }
  // Nothing waits for a position or an acknowledgement.
  [[nodiscard]] bool settled() const { return node_.unsent() == 0 && node_.unacknowledged() == 0; }
  // Something that was sent before waits in our queues, at least for some reader.
  [[nodiscard]] bool still_sending() const { return carrier_->outgoing_bytes() > 0; }
  [[nodiscard]] bool has_primary() const { return commit_position_reader_.reader != nullptr; }
  // So has a peer that has not met the server that it reads yet, and names no other: if that is a
  // standby, messages that were published after a commit come back.
  [[nodiscard]] bool may_have_primary() const {
    return has_primary() || (replay_reader_.reader && !server_met_);
  }

 private:
  // A reader of a server, its place in the reactor, and whether that has called.
  template <typename Reader>
  struct Watched {
    std::unique_ptr<Reader> reader;
    io::Reactor::Watch watch = {};
    bool woken = false;
  };

  void poll_once();
  void receive_datagrams();
  void receive_addresses();
  void look_at_interfaces();
  void listen_everywhere();
  void connect_again();
  void receive_frames();
  void receive_from_paths();
  template <typename Frame, typename InputOf>
  void handle_frame(mesh::Decoded<Frame> decoded, InputOf input_of);
  void handle(const carriers::LinkBytes& arrival);
  void handle(carriers::RouteBytes& arrival);
  void handle(const carriers::StreamBytes& arrival);
  void handle(const carriers::SubscriptionChange& arrival);
  void handle(const carriers::Malformed& arrival);
  void handle(const carriers::Internal& arrival);
  void handle(const datagrams::Frame& arrival);
  void handle(const datagrams::Ack& arrival);
  void handle(const datagrams::BrokenPath& arrival);
  void handle(const datagrams::Malformed& arrival);
  void read_commit_positions_with(std::unique_ptr<servers::CommitPositionReader> reader);
  template <typename Reader>
  void watch(Watched<Reader>& watched);
  template <typename Reader>
  void advance(Watched<Reader>& watched);
  template <typename Reader>
  Instant follow(Watched<Reader>& watched);
  void update_reactor();
  void give_back_what_waits_for_nobody();

  void take_account(const gate::ServerEvent& event);
  void look_for_trouble();
  void warn_of_floods();
  [[nodiscard]] Status status_without_troubles(Instant now) const;
  void trace(const std::string& line) const;

  void step(node::Input input);
  void handle(node::Input input);
  void run_effects();
  void record_effects();
  void execute(node::effect::Dial& e);
  void execute(node::effect::Undial& e);
  void execute(node::effect::Resolve& e);
  void execute(node::effect::Follow& e);
  void execute(node::effect::Unfollow& e);
  void execute(node::effect::OpenPath& e);
  void execute(node::effect::ClosePath& e);
  void execute(node::effect::SubscribeShared& e);
  void execute(node::effect::Acknowledge& e);
  void execute(node::effect::AdmitPath& e);
  void execute(node::effect::DropPath& e);
  void execute(node::effect::ProbePath& e);
  void execute(node::effect::Remind& e);
  void execute(node::effect::ToLink& e);
  void execute(node::effect::ToRoute& e);
  void execute(node::effect::Broadcast& e);
  void execute(node::effect::Announce& e);
  void execute(node::effect::ReadReplayPosition& e);
  void execute(node::effect::QueryCommitPosition& e);
  void execute(node::effect::Nudge& e);
  void execute(node::effect::LeavePrimary& e);
  void execute(node::effect::TestPort& e);
  void execute(node::effect::Surveyed& e);
  void execute(node::effect::Deliver& e);
  void execute(node::effect::Notify& e);
  void send_apart(const std::vector<mesh::PathNumber>& datagrams, const std::vector<PeerId>& alone,
                  std::string_view frame);
  void warn(std::string text);

  io::Reactor reactor_;
  io::Reactor::Timer timer_ = reactor_.timer();
  Sink sink_;
  Instant now_;
  std::unique_ptr<carriers::Carrier> carrier_;
  std::unique_ptr<datagrams::Port> datagrams_;
  keys::Keyring keyring_;  // of the beacon
  std::optional<discovery::Beacon> beacon_;
  io::Reactor::Watch beacon_watch_;
  bool beacon_woken_ = false;
  std::optional<discovery::AddressWatch> addresses_;
  io::Reactor::Watch addresses_watch_;
  bool addresses_woken_ = false;
  // Connections that could not be made, for want of descriptors.
  std::map<mesh::LinkId, node::effect::Dial> not_dialled_;
  std::map<Origin, node::effect::Follow> not_followed_;
  static constexpr Duration connect_again_after = std::chrono::seconds(1);
  Instant connect_again_at_ = never;
  io::PortProbe ports_;
  std::vector<SurveyDone> surveyed_;  // want to know
  io::Resolver resolver_;             // of the names of seeds
  io::Reactor::Watch resolver_watch_;
  bool resolver_woken_ = false;
  Watched<servers::ReplayReader> replay_reader_;
  Watched<servers::CommitPositionReader> commit_position_reader_;
  std::optional<StateFile> state_;
  std::optional<RecordFile> record_;
  bool report_sent_;  // is wanted by the application
  node::Node node_;
  mesh::KnownBranches known_branches_;
  node::ServerAccount database_;
  node::ServerAccount primary_;
  node::Troubles troubles_;
  Instant look_at_ = Instant::min();  // for troubles
  Trace trace_;

  node::Effects effects_;
  node::Effects under_way_;          // in run_effects()
  std::vector<node::Input> queued_;  // from within run_effects()
  bool running_effects_ = false;
  bool closed_ = false;
  bool server_met_ = false;  // the server that is read has told its role
  std::string last_warning_;
  std::uint64_t floods_told_ = 0;
  Instant tell_floods_at_ = Instant::min();
};

}  // namespace tidegate::peer
